//! Values that must never be shown: what an SSM SecureString holds.

use crate::diagnostic::Diagnostic;
use crate::variables::Secret;

/// What stands in a secret's place.
pub const MASK: &str = "********";

/// The text without the secrets that it holds.
pub fn mask(text: &str, secrets: &[Secret]) -> String {
    let mut masked = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.text.is_empty()) {
        // As it is, and as it stands in JSON.
        let json = serde_json::Value::from(secret.text.as_str()).to_string();
        for form in [secret.text.as_str(), json.trim_matches('"'), json.as_str()] {
            if !form.is_empty() && masked.contains(form) {
                masked = masked.replace(form, MASK);
            }
        }
    }
    masked
}

/// Findings in a secret tell the rule alone: a message may quote a part of the
/// value, or another form of it. Elsewhere the text itself is masked.
pub fn conceal(diagnostics: &mut [Diagnostic], secrets: &[Secret]) {
    if secrets.is_empty() {
        return;
    }
    for diagnostic in diagnostics {
        if secrets.iter().any(|secret| secret.span == diagnostic.span) {
            diagnostic.message = match diagnostic.path.as_str() {
                "" => "a secret value isn't right here, and isn't shown".to_owned(),
                path => format!("the value of `{path}` isn't right; it is secret, and isn't shown"),
            };
            let code = diagnostic.code.name;
            diagnostic.help = Some(format!("`frames validate --explain {code}` tells the rule"));
        } else {
            diagnostic.message = mask(&diagnostic.message, secrets);
            diagnostic.path = mask(&diagnostic.path, secrets);
            diagnostic.help = diagnostic.help.as_ref().map(|help| mask(help, secrets));
        }
        for (_, label) in &mut diagnostic.related {
            *label = mask(label, secrets);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{AwsValue, Environment, Source, Target, compile};

    struct Aws;

    impl Environment for Aws {
        fn read_file(&self, _path: &str) -> Result<Vec<u8>, String> {
            Err("there is none".to_owned())
        }

        fn aws(&self, reference: &str) -> AwsValue {
            match reference {
                "ssm:/pool" => AwsValue::Secret("hunter2-long".to_owned()),
                _ => AwsValue::Missing,
            }
        }
    }

    #[test]
    fn no_finding_shows_a_secret() {
        let text = "service: x\npool: ${ssm:/pool}\nauth:\n  mode: cognito\n  userPoolId: ${ssm:/pool}\n\
                    healthImaging: {region: 'us-${ssm:/pool}'}\ndomain: {cnames: ['${self:pool}']}\n";
        let target = Target {
            env: "dev",
            chosen: false,
            allow_unsafe_overlay: false,
        };
        let compiled = compile(&Source::new("f", text), target, &Aws);
        let shown = format!("{:?}", compiled.diagnostics);
        assert!(compiled.diagnostics.len() >= 3, "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("it is secret"), "{shown}");
        assert!(compiled.secrets.iter().all(|s| s.text == "hunter2-long"));
    }
}
