//! What the signer may read.

use super::{Allow, Iam, no_duplicates};
use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::{self, Manifest, Text};
use crate::span::Span;

pub(super) fn check(manifest: &Manifest, dicomweb: bool, found: &mut Vec<Diagnostic>) -> Iam {
    let given = manifest.iam.as_ref();
    let rows = given.and_then(|iam| iam.allow.as_ref());
    match rows {
        Some(rows) => {
            duplicate_datastores(rows, found);
            for (i, row) in rows.iter().enumerate() {
                image_sets(row, i, dicomweb, found);
                studies(row, i, dicomweb, found);
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
        path: given
            .and_then(|iam| iam.path.as_ref())
            .map_or_else(|| "/".to_owned(), |path| path.value.clone()),
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
    let values = |texts: &Option<Vec<Text>>| -> Option<Vec<String>> {
        let texts = texts.as_ref()?.iter();
        Some(texts.map(|text| text.value.clone()).collect())
    };
    Some(Allow {
        datastore: row.datastore.as_ref()?.value.clone(),
        image_sets: values(&row.image_sets),
        studies: values(&row.studies),
        series: values(&row.series),
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
    let in_parts = row.studies.is_some() || row.series.is_some();
    let Some(datastore) = row.datastore.as_ref().filter(|_| dicomweb && !in_parts) else {
        return;
    };
    found.push(
        Diagnostic::new(
            codes::DICOMWEB_NOT_ALLOWED,
            path,
            datastore.span,
            "DICOMweb can't be limited to image sets: this data store is served by native paths only",
        )
        .help("drop `imageSets` to serve the whole data store by DICOMweb, or list `studies`"),
    );
}

fn studies(row: &manifest::Allow, i: usize, dicomweb: bool, found: &mut Vec<Diagnostic>) {
    for (key, uids) in [("studies", &row.studies), ("series", &row.series)] {
        if let Some(uids) = uids {
            no_duplicates(uids, &format!("iam.allow[{i}].{key}"), found);
        }
    }
    if dicomweb {
        return;
    }
    let limits = |key: &&Text| ["studies", "series"].contains(&key.value.as_str());
    for key in row.keys.written.iter().filter(limits) {
        let message = format!(
            "`{}` has no effect without DICOMweb: native reads know only image sets",
            key.value
        );
        let path = format!("iam.allow[{i}].{}", key.value);
        found.push(
            Diagnostic::new(codes::UNUSED_KEY, path, key.span, message)
                .help("remove it, or add `dicomweb: true` to `delivery`"),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{checked, findings};

    const STORE: &str = "012345678901234567890123456789ab";

    fn manifest(row: &str, dicomweb: bool) -> String {
        format!(
            "service: x\nauth: {{mode: none}}\niam: {{allow: [{{datastore: {STORE}, {row}}}]}}\ndelivery: {{dicomweb: {dicomweb}}}\n"
        )
    }

    fn only(row: &str, dicomweb: bool, code: &str, path: &str) {
        assert_eq!(
            findings(&manifest(row, dicomweb)),
            [(code.to_owned(), path.to_owned())],
            "{row}"
        );
    }

    #[test]
    fn studies_and_series_limit_dicomweb() {
        let iam = checked(&manifest("studies: [1.2.3], series: [1.2.3.4]", true)).iam;
        let row = &iam.allow.unwrap()[0];
        assert_eq!(
            row.studies.as_deref(),
            Some(["1.2.3".to_owned()].as_slice())
        );
        assert_eq!(
            row.series.as_deref(),
            Some(["1.2.3.4".to_owned()].as_slice())
        );
        only(
            "studies: [1.2.3]",
            false,
            "unused-key",
            "iam.allow[0].studies",
        );
        only(
            "series: [1.2.3]",
            false,
            "unused-key",
            "iam.allow[0].series",
        );
        only("studies: []", true, "invalid-value", "iam.allow[0].studies");
        only(
            "series: [1.2, 1.2]",
            true,
            "duplicate-value",
            "iam.allow[0].series[1]",
        );
        only(
            "studies: [1.x]",
            true,
            "invalid-value",
            "iam.allow[0].studies[0]",
        );
    }

    #[test]
    fn image_sets_and_studies_stand_side_by_side() {
        let sets = "imageSets: [aaaabbbbccccddddeeeeffff00001111]";
        only(sets, true, "dicomweb-not-allowed", "iam.allow[0].imageSets");
        assert_eq!(
            findings(&manifest(&format!("{sets}, studies: [1.2]"), true)),
            []
        );
    }
}
