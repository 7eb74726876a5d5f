// The settings of amazon-cloudfront-image-frame-delivery, in its forms: Cognito, a name of its own, and all else filled in.

type AuthMode = null | 'null' | 'cognito_jwt';
type NullableString = string | undefined | null;
type CustomCname = {
    domainNames: string[];
    certificateArn: string;
};

// Access tokens of one app client.
const AUTH_MODE: AuthMode = 'cognito_jwt';

const CUSTOM_CNAME: CustomCname = {
    domainNames: ['frames.example.org', 'images.example.org'],
    certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11',
};

const COGNITO_USER_POOL_ID: NullableString = 'us-west-2_AbCdEfGhI';
const COGNITO_CLIENT_ID: NullableString = '3n4b5urk1ft4fl3mg5e62d9ado';
const AHLI_REGION: NullableString = 'us-west-2';
const AHLI_ENDPOINT: NullableString = 'runtime-medical-imaging.us-west-2.amazonaws.com';

export {
    AUTH_MODE,
    CUSTOM_CNAME,
    COGNITO_USER_POOL_ID,
    COGNITO_CLIENT_ID,
    AHLI_REGION,
    AHLI_ENDPOINT,
};
