//! S3: the artifact bucket, and buckets that are removed.

use super::bucket_rules::{Built, encryption, lifecycle, ownership};
use super::{Aws, EDGE_REGION, errors, explain};
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{self, ChecksumAlgorithm, ChecksumMode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use frames_compiler::failure::{Failure, Result};
use percent_encoding::percent_decode_str;
use serde_json::json;

/// Set last: a bucket that has it has all the settings.
const READY: (&str, &str) = ("frames:artifacts", "1");

/// An object in a bucket, in one of its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub key: String,
    /// `None`, or `null`: the bucket keeps no versions, and the next write overwrites it.
    pub version: Option<String>,
}

/// What a key leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    Nothing,
    /// More bytes than frames writes there: they aren't read.
    TooMuch(i64),
    Bytes {
        bytes: Vec<u8>,
        /// When S3 took them, in seconds since 1970.
        written: Option<i64>,
    },
}

/// What is directly below a prefix.
#[derive(Debug, Default)]
pub struct Below {
    /// Every version of every object, and every delete marker.
    pub versions: Vec<Object>,
    /// The objects that are there now, and folders, as S3 writes them in an address.
    pub names: Vec<String>,
}

/// S3's own limit of a deletion.
const DELETED_AT_ONCE: usize = 1000;

#[derive(Debug, Clone)]
pub struct Bucket {
    client: Client,
    pub name: String,
    region: String,
    account: String,
    partition: String,
}

impl Aws {
    pub fn bucket(&self, name: &str, region: &str, identity: &super::Identity) -> Bucket {
        Bucket {
            client: self.s3(region),
            name: name.to_owned(),
            region: region.to_owned(),
            account: identity.account.clone(),
            partition: identity.partition.clone(),
        }
    }
}

impl Bucket {
    /// Whether it is there and belongs to the account: somebody else may have taken the name.
    pub async fn exists(&self) -> Result<bool> {
        let asked = self.client.head_bucket().bucket(&self.name);
        match asked.expected_bucket_owner(&self.account).send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.raw_response().map(|answer| answer.status().as_u16()) {
                Some(404) => Ok(false),
                Some(403) => Err(Failure::new(format!(
                    "can't use bucket {}: it belongs to another account, or you have no permission for `s3:ListBucket` on it",
                    self.name
                ))
                .help("name a bucket of your own in us-east-1 as `deploy.bucket`, or check the permissions (`frames policy`)")),
                _ => Err(explain("s3:ListBucket", &format!("look for bucket {}", self.name), error)),
            },
        }
    }

    /// Makes the managed bucket. One that exists gets its settings again: its objects run at the
    /// edge, so nobody else may have opened it.
    pub async fn ensure(&self) -> Result<bool> {
        let made = !self.exists().await?;
        if made {
            self.create().await?;
        }
        self.settle().await?;
        Ok(made)
    }

    async fn create(&self) -> Result<()> {
        let asked = self.client.create_bucket().bucket(&self.name);
        // Without a constraint, a bucket is in us-east-1, and no constraint may name that.
        let elsewhere = Some(self.region.as_str()).filter(|region| *region != EDGE_REGION);
        let asked = asked.set_create_bucket_configuration(elsewhere.map(|region| {
            types::CreateBucketConfiguration::builder()
                .location_constraint(region.into())
                .build()
        }));
        let asked = asked.object_ownership(types::ObjectOwnership::BucketOwnerEnforced);
        match asked.send().await {
            Ok(_) => Ok(()),
            Err(error) if errors::code(&error) == Some("BucketAlreadyOwnedByYou") => Ok(()),
            Err(error) if errors::code(&error) == Some("BucketAlreadyExists") => Err(Failure::new(
                format!("bucket {} belongs to another account", self.name),
            )
            .help("name a bucket of your own in us-east-1 as `deploy.bucket`")),
            Err(error) => Err(self.failed("s3:CreateBucket", "make", error)),
        }
    }

    /// Private, encrypted, TLS only, versioned; what was overwritten expires.
    async fn settle(&self) -> Result<()> {
        self.close().await?;
        self.keep_versions().await?;
        let (client, owner) = (&self.client, &self.account);
        let asked = client
            .put_bucket_policy()
            .bucket(&self.name)
            .expected_bucket_owner(owner);
        asked
            .policy(self.tls_only())
            .send()
            .await
            .map_err(|e| self.failed("s3:PutBucketPolicy", "set the policy of", e))?;
        let tags = types::Tag::builder()
            .key(READY.0)
            .value(READY.1)
            .build()
            .and_then(|tag| types::Tagging::builder().tag_set(tag).build());
        let asked = client
            .put_bucket_tagging()
            .bucket(&self.name)
            .expected_bucket_owner(owner);
        asked
            .tagging(self.build(tags)?)
            .send()
            .await
            .map_err(|e| self.failed("s3:PutBucketTagging", "tag", e))?;
        Ok(())
    }

    async fn close(&self) -> Result<()> {
        let (client, owner) = (&self.client, &self.account);
        let access = types::PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .block_public_policy(true)
            .ignore_public_acls(true)
            .restrict_public_buckets(true)
            .build();
        let asked = client
            .put_public_access_block()
            .bucket(&self.name)
            .expected_bucket_owner(owner);
        asked
            .public_access_block_configuration(access)
            .send()
            .await
            .map_err(|e| self.failed("s3:PutBucketPublicAccessBlock", "close", e))?;
        let asked = client
            .put_bucket_ownership_controls()
            .bucket(&self.name)
            .expected_bucket_owner(owner);
        asked
            .ownership_controls(self.build(ownership())?)
            .send()
            .await
            .map_err(|e| self.failed("s3:PutBucketOwnershipControls", "set the ownership of", e))?;
        let asked = client
            .put_bucket_encryption()
            .bucket(&self.name)
            .expected_bucket_owner(owner);
        asked
            .server_side_encryption_configuration(self.build(encryption())?)
            .send()
            .await
            .map_err(|e| self.failed("s3:PutEncryptionConfiguration", "encrypt", e))?;
        Ok(())
    }

    async fn keep_versions(&self) -> Result<()> {
        let (client, owner) = (&self.client, &self.account);
        let versioned = types::VersioningConfiguration::builder()
            .status(types::BucketVersioningStatus::Enabled)
            .build();
        let asked = client
            .put_bucket_versioning()
            .bucket(&self.name)
            .expected_bucket_owner(owner);
        asked
            .versioning_configuration(versioned)
            .send()
            .await
            .map_err(|e| self.failed("s3:PutBucketVersioning", "version", e))?;
        let asked = client
            .put_bucket_lifecycle_configuration()
            .bucket(&self.name)
            .expected_bucket_owner(owner);
        asked
            .lifecycle_configuration(self.build(lifecycle())?)
            .send()
            .await
            .map_err(|e| self.failed("s3:PutLifecycleConfiguration", "set the lifecycle of", e))?;
        Ok(())
    }

    fn tls_only(&self) -> String {
        let arn = format!("arn:{}:s3:::{}", self.partition, self.name);
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn.clone(), format!("{arn}/*")],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }]
        })
        .to_string()
    }

    /// The object under this key, if it has exactly these bytes.
    pub async fn holds(&self, key: &str, sha256: &str) -> Result<Option<Object>> {
        let asked = self.client.head_object().bucket(&self.name).key(key);
        let asked = asked.checksum_mode(ChecksumMode::Enabled);
        let doing = format!("look for s3://{}/{key}", self.name);
        match asked.expected_bucket_owner(&self.account).send().await {
            Ok(answer) if answer.checksum_sha256() == Some(checksum(sha256).as_str()) => {
                Ok(Some(object(key, answer.version_id())))
            }
            Ok(_) => Ok(None),
            Err(error) => match error.raw_response().map(|answer| answer.status().as_u16()) {
                Some(404) => Ok(None),
                Some(403) => Err(errors::denied("s3:GetObject", &doing, "")),
                _ => Err(explain("s3:GetObject", &doing, error)),
            },
        }
    }

    /// What is under this key, in its newest version. Whoever may write to the bucket may have
    /// written it.
    pub async fn get(&self, key: &str, most: usize) -> Result<Content> {
        let asked = self.client.get_object().bucket(&self.name).key(key);
        let doing = format!("read s3://{}/{key}", self.name);
        let answer = match asked.expected_bucket_owner(&self.account).send().await {
            Ok(answer) => answer,
            Err(error) => match error.raw_response().map(|answer| answer.status().as_u16()) {
                Some(404) => return Ok(Content::Nothing),
                _ => return Err(explain("s3:GetObject", &doing, error)),
            },
        };
        let length = answer.content_length().unwrap_or_default();
        if usize::try_from(length).map_or(true, |length| length > most) {
            return Ok(Content::TooMuch(length));
        }
        let written = answer.last_modified().map(|time| time.secs());
        let bytes = answer.body.collect().await;
        let bytes = bytes.map_err(|error| Failure::new(format!("can't {doing}: {error}")))?;
        Ok(Content::Bytes {
            bytes: bytes.to_vec(),
            written,
        })
    }

    /// S3 compares the bytes with their checksum, and refuses an incomplete upload.
    pub async fn put(&self, key: &str, bytes: &[u8], sha256: &str) -> Result<Object> {
        let asked = self.client.put_object().bucket(&self.name).key(key);
        let asked = asked.body(ByteStream::from(bytes.to_vec()));
        let asked = asked
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .checksum_sha256(checksum(sha256));
        let asked = asked.expected_bucket_owner(&self.account);
        match asked.send().await {
            Ok(answer) => Ok(object(key, answer.version_id())),
            Err(error) => {
                let doing = format!("upload s3://{}/{key}", self.name);
                Err(explain("s3:PutObject", &doing, error))
            }
        }
    }

    /// Where CloudFormation reads an object from: exactly this version, where there are versions.
    pub fn url(&self, object: &Object) -> String {
        let suffix = if self.partition == "aws-cn" {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        let version = object.version.as_deref();
        let version = version.filter(|version| *version != "null").map(|version| {
            let version: String = version.bytes().map(in_a_query).collect();
            format!("?versionId={version}")
        });
        let (name, region, key) = (&self.name, &self.region, &object.key);
        let version = version.unwrap_or_default();
        format!("https://{name}.s3.{region}.{suffix}/{key}{version}")
    }

    /// What is directly below a prefix that ends with a slash.
    pub async fn below(&self, prefix: &str) -> Result<Below> {
        let mut found = Below::default();
        let (mut key, mut version) = (None, None);
        loop {
            let asked = self.client.list_object_versions().bucket(&self.name);
            let asked = asked.prefix(prefix).delimiter("/");
            // XML can't hold every key.
            let asked = asked.encoding_type(types::EncodingType::Url);
            let asked = asked
                .set_key_marker(key.take())
                .set_version_id_marker(version.take());
            let page = asked.expected_bucket_owner(&self.account).send().await;
            let page = page.map_err(|error| self.failed("s3:ListBucketVersions", "list", error))?;
            found.versions.extend(objects(&page));
            let now = page
                .versions()
                .iter()
                .filter(|v| v.is_latest() == Some(true));
            let now = now.filter_map(|version| version.key());
            let folders = page.common_prefixes().iter();
            let folders = folders.filter_map(|folder| folder.prefix());
            found.names.extend(now.chain(folders).map(str::to_owned));
            if page.is_truncated() != Some(true) {
                return Ok(found);
            }
            // The answer has it encoded as keys are; the next request takes it decoded.
            key = page.next_key_marker().map(from_address);
            version = page.next_version_id_marker().map(str::to_owned);
        }
    }

    /// Deletes every version of every object, and returns how many there were.
    pub async fn empty(&self) -> Result<usize> {
        let mut deleted = 0;
        loop {
            // From the start each time: what was listed before is gone.
            let asked = self.client.list_object_versions().bucket(&self.name);
            let page = match asked.expected_bucket_owner(&self.account).send().await {
                Ok(page) => page,
                Err(error) if errors::code(&error) == Some("NoSuchBucket") => return Ok(deleted),
                Err(error) => return Err(self.failed("s3:ListBucketVersions", "list", error)),
            };
            let objects: Vec<Object> = objects(&page).collect();
            if objects.is_empty() {
                return Ok(deleted);
            }
            self.delete(&objects).await?;
            deleted += objects.len();
        }
    }

    /// Deletes these versions, and no others. One that is gone is as good as deleted.
    pub async fn delete(&self, objects: &[Object]) -> Result<()> {
        for some in objects.chunks(DELETED_AT_ONCE) {
            let some = some.iter().map(|object| {
                types::ObjectIdentifier::builder()
                    .key(&object.key)
                    .set_version_id(object.version.clone())
                    .build()
            });
            let some: Built<Vec<_>> = some.collect();
            self.delete_objects(self.build(some)?).await?;
        }
        Ok(())
    }

    async fn delete_objects(&self, objects: Vec<types::ObjectIdentifier>) -> Result<()> {
        let delete = types::Delete::builder()
            .set_objects(Some(objects))
            .quiet(true)
            .build();
        let asked = self
            .client
            .delete_objects()
            .bucket(&self.name)
            .delete(self.build(delete)?);
        let answer = asked.expected_bucket_owner(&self.account).send().await;
        let answer =
            answer.map_err(|error| self.failed("s3:DeleteObjectVersion", "empty", error))?;
        match answer.errors().first() {
            None => Ok(()),
            Some(refused) => Err(Failure::new(format!(
                "can't delete s3://{}/{}: {}",
                self.name,
                refused.key().unwrap_or_default(),
                refused
                    .message()
                    .or(refused.code())
                    .unwrap_or("S3 gives no reason"),
            ))
            .help("you need permission for `s3:DeleteObjectVersion`, and no object lock may hold the object")),
        }
    }

    fn build<T>(&self, built: std::result::Result<T, aws_sdk_s3::error::BuildError>) -> Result<T> {
        built.map_err(|error| Failure::new(format!("can't set up bucket {}: {error}", self.name)))
    }

    fn failed<E>(&self, action: &str, verb: &str, error: aws_sdk_s3::error::SdkError<E>) -> Failure
    where
        E: aws_sdk_s3::error::ProvideErrorMetadata,
    {
        explain(action, &format!("{verb} bucket {}", self.name), error)
    }
}

fn object(key: &str, version: Option<&str>) -> Object {
    Object {
        key: key.to_owned(),
        version: version.map(str::to_owned),
    }
}

/// The versions and delete markers of a page, `null` among them.
fn objects(page: &ListObjectVersionsOutput) -> impl Iterator<Item = Object> {
    let versions = page.versions().iter().map(|v| (v.key(), v.version_id()));
    let markers = page.delete_markers().iter();
    let markers = markers.map(|m| (m.key(), m.version_id()));
    let all = versions.chain(markers);
    all.filter_map(|(key, version)| Some(object(key?, version)))
}

/// A key as it is; S3 writes a space as `+`.
fn from_address(encoded: &str) -> String {
    let spaced = encoded.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8_lossy();
    decoded.into_owned()
}

/// A byte of a version's id in an address.
fn in_a_query(byte: u8) -> String {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    }
}

/// S3 writes a SHA-256 in base64.
fn checksum(hex: &str) -> String {
    let bytes: Vec<u8> = (0..hex.len() / 2)
        .filter_map(|i| u8::from_str_radix(hex.get(2 * i..2 * i + 2)?, 16).ok())
        .collect();
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_the_digest_in_base64() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(
            checksum(empty),
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        );
    }
}
