//! AWS WAF: a web ACL that CloudFormation couldn't delete.

use super::{Aws, EDGE_REGION, errors, explain};
use crate::failure::Result;
use aws_sdk_wafv2::types::Scope;

/// What became of a web ACL that was to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebAclGone {
    Gone,
    /// Why it stays.
    Kept(&'static str),
}

impl Aws {
    /// By CloudFormation's id of it, `NAME|ID|CLOUDFRONT`. One that is gone is as good as deleted.
    pub async fn delete_web_acl(&self, physical_id: &str) -> Result<WebAclGone> {
        let mut parts = physical_id.split('|');
        let (Some(name), Some(id)) = (parts.next(), parts.next()) else {
            return Ok(WebAclGone::Gone);
        };
        let doing = format!("delete web ACL {name}");
        let client = aws_sdk_wafv2::Client::new(&self.within(EDGE_REGION));
        let asked = client.get_web_acl().name(name).id(id);
        let lock = match asked.scope(Scope::Cloudfront).send().await {
            Ok(answer) => answer.lock_token,
            Err(error) if errors::code(&error) == Some(GONE) => return Ok(WebAclGone::Gone),
            Err(error) if errors::is_denied(&error) => return Ok(DENIED),
            Err(error) => return Err(explain("wafv2:GetWebACL", &doing, error)),
        };
        let asked = client.delete_web_acl().name(name).id(id);
        let asked = asked.scope(Scope::Cloudfront).set_lock_token(lock);
        match asked.send().await {
            Ok(_) => Ok(WebAclGone::Gone),
            Err(error) if errors::code(&error) == Some(GONE) => Ok(WebAclGone::Gone),
            Err(error) if errors::code(&error) == Some("WAFAssociatedItemException") => {
                Ok(WebAclGone::Kept("something else uses it"))
            }
            Err(error) if errors::is_denied(&error) => Ok(DENIED),
            Err(error) => Err(explain("wafv2:DeleteWebACL", &doing, error)),
        }
    }
}

const GONE: &str = "WAFNonexistentItemException";
const DENIED: WebAclGone = WebAclGone::Kept("no permission for wafv2:DeleteWebACL");
