// The settings of amazon-cloudfront-image-frame-delivery, in its forms: no token.

type AuthMode = null | 'null' | 'cognito_jwt';
type NullableString = string | undefined | null;
type CustomCname = {
    domainNames: string[];
    certificateArn: string;
};

// Whoever asks gets a frame.
const AUTH_MODE: AuthMode = null;

const CUSTOM_CNAME: CustomCname = {
    domainNames: [],
    certificateArn: '',
};

const COGNITO_USER_POOL_ID: NullableString = '';
const COGNITO_CLIENT_ID: NullableString = null;
const AHLI_REGION: NullableString = 'us-west-2';
const AHLI_ENDPOINT: NullableString = '';

export {
    AUTH_MODE,
    CUSTOM_CNAME,
    COGNITO_USER_POOL_ID,
    COGNITO_CLIENT_ID,
    AHLI_REGION,
    AHLI_ENDPOINT,
};
