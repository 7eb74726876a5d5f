//! Web ACLs that lambda-edge let go of while cdn's distribution still had them.
//! CloudFormation tries to delete one when lambda-edge no longer has it, fails,
//! and forgets it: its name stays taken. cdn has let go by now.

use super::stage::region_of;
use super::{Done, Session};
use crate::aws::WebAclGone;
use crate::failure::Result;
use std::collections::BTreeSet;

const WEB_ACL: &str = "AWS::WAFv2::WebACL";

/// Deletes what the stacks' latest events tell of, also those of a run that was
/// cut short.
pub async fn collect(session: &Session<'_>, done: &[Done]) -> Result<()> {
    if !done.iter().any(|done| done.changed) {
        return Ok(());
    }
    for done in done {
        let stacks = session.aws.stacks(&region_of(&done.stack.id));
        let events = stacks.latest_events(&done.stack.id).await?;
        let left = events
            .into_iter()
            .filter(|event| event.kind == WEB_ACL && event.status == "DELETE_FAILED")
            .map(|event| event.physical_id);
        for id in left.collect::<BTreeSet<_>>() {
            let name = id.split('|').next().unwrap_or(&id);
            match session.aws.delete_web_acl(&id).await? {
                WebAclGone::Gone => session.progress.detail(&format!("deleted web ACL {name}")),
                WebAclGone::Kept(reason) => {
                    let what = format!("web ACL {name}, which no stack has any more: {reason}");
                    session.progress.step("Keeping", &what);
                }
            }
        }
    }
    Ok(())
}
