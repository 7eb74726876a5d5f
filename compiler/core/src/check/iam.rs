//! What the signer may read.

use super::{Allow, Iam, no_duplicates};
use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::{self, Manifest};
use crate::source::Span;

pub fn check(manifest: &Manifest, dicomweb: bool, found: &mut Vec<Diagnostic>) -> Iam {
    let given = manifest.iam.as_ref();
    let rows = given.and_then(|iam| iam.allow.as_ref());
    match rows {
        Some(rows) => {
            duplicate_datastores(rows, found);
            for (i, row) in rows.iter().enumerate() {
                image_sets(row, i, dicomweb, found);
            }
        }
        None => {
            let block = given.map(|iam| (iam.span, iam.keys.has("allow")));
            match block.unwrap_or((manifest.span, manifest.keys.has("iam"))) {
                // It is there and has a finding, or is open.
                (_, true) => {}
                (span, false) => found.push(unrestricted(span)),
            }
        }
    }
    Iam {
        allow: rows.map(|rows| rows.iter().filter_map(allow).collect()),
        permissions_boundary_arn: given
            .and_then(|iam| iam.permissions_boundary_arn.as_ref())
            .map(|arn| arn.value.clone()),
    }
}

fn unrestricted(span: Span) -> Diagnostic {
    let message = "without `iam.allow` the signer may read every image set of the account";
    Diagnostic::new(codes::IAM_UNRESTRICTED, "iam.allow", span, message)
        .help("list the data stores that this delivery serves")
}

fn allow(row: &manifest::Allow) -> Option<Allow> {
    let image_sets = row.image_sets.as_ref();
    Some(Allow {
        datastore: row.datastore.as_ref()?.value.clone(),
        image_sets: image_sets.map(|sets| sets.iter().map(|set| set.value.clone()).collect()),
    })
}

fn duplicate_datastores(rows: &[manifest::Allow], found: &mut Vec<Diagnostic>) {
    for (i, row) in rows.iter().enumerate() {
        let Some(datastore) = &row.datastore else {
            continue;
        };
        let earlier = rows[..i].iter().filter_map(|row| row.datastore.as_ref());
        if let Some(first) = earlier
            .into_iter()
            .find(|other| other.value == datastore.value)
        {
            let message = format!("the data store `{}` has a row already", datastore.value);
            found.push(
                Diagnostic::new(
                    codes::DUPLICATE_DATASTORE,
                    format!("iam.allow[{i}].datastore"),
                    datastore.span,
                    message,
                )
                .related(first.span, "first here")
                .help("put its image sets into one row"),
            );
        }
    }
}

fn image_sets(row: &manifest::Allow, i: usize, dicomweb: bool, found: &mut Vec<Diagnostic>) {
    let Some(sets) = &row.image_sets else { return };
    let path = format!("iam.allow[{i}].imageSets");
    no_duplicates(sets, &path, found);
    let Some(datastore) = row.datastore.as_ref().filter(|_| dicomweb) else {
        return;
    };
    found.push(
        Diagnostic::new(
            codes::DICOMWEB_NOT_ALLOWED,
            path,
            datastore.span,
            "DICOMweb can't be limited to image sets: this data store is served by native paths alone",
        )
        .help("drop `imageSets` to serve the whole data store by DICOMweb"),
    );
}
