//! What the managed artifact bucket is set to.

use aws_sdk_s3::types;

/// How long an object is kept that was overwritten or deleted. What is there now stays: frames
/// deletes what no kept deployment needs.
const OVERWRITTEN_DAYS: i32 = 30;

pub(super) type Built<T> = std::result::Result<T, aws_sdk_s3::error::BuildError>;

pub(super) fn ownership() -> Built<types::OwnershipControls> {
    let rule = types::OwnershipControlsRule::builder()
        .object_ownership(types::ObjectOwnership::BucketOwnerEnforced)
        .build()?;
    types::OwnershipControls::builder().rules(rule).build()
}

pub(super) fn encryption() -> Built<types::ServerSideEncryptionConfiguration> {
    let default = types::ServerSideEncryptionByDefault::builder()
        .sse_algorithm(types::ServerSideEncryption::Aes256)
        .build()?;
    let rule = types::ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(default)
        .build();
    types::ServerSideEncryptionConfiguration::builder()
        .rules(rule)
        .build()
}

pub(super) fn lifecycle() -> Built<types::BucketLifecycleConfiguration> {
    let rule = types::LifecycleRule::builder()
        .id("old-artifacts")
        .status(types::ExpirationStatus::Enabled)
        .filter(types::LifecycleRuleFilter::builder().prefix("").build())
        .noncurrent_version_expiration(
            types::NoncurrentVersionExpiration::builder()
                .noncurrent_days(OVERWRITTEN_DAYS)
                .build(),
        )
        .expiration(
            types::LifecycleExpiration::builder()
                .expired_object_delete_marker(true)
                .build(),
        )
        .abort_incomplete_multipart_upload(
            types::AbortIncompleteMultipartUpload::builder()
                .days_after_initiation(1)
                .build(),
        )
        .build()?;
    types::BucketLifecycleConfiguration::builder()
        .rules(rule)
        .build()
}
