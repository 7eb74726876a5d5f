// The settings of amazon-cloudfront-delivery, in its forms: Cognito, and two names.

import { HealthImagingRegions, AuthMode, ContainerArchitecture, AlbDomain, CfCustomDomain } from './config.types';

export type AppConfig = {
    AHI_REGION: HealthImagingRegions;
    AUTH_MODE: AuthMode;
    CF_CACHE_HEADERS: string[];
};

/**
 * @default 'us-east-1'
 */
export const AHI_REGION: HealthImagingRegions = 'eu-west-1';
export const AUTH_MODE: AuthMode = 'cognito_jwt';
export const COGNITO_USER_POOL_ID: string = 'eu-west-1_AbCdEfGhI';
export const COGNITO_CLIENT_ID: string = "3n4b5urk1ft4fl3mg5e62d9ado";

export const ALB_DOMAIN: AlbDomain = {
    domainHostname: 'alb.example.org',
    acmArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/0f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11',
};

export const CF_CUSTOM_DOMAIN: CfCustomDomain = {
    cfDomains: ['frames.example.org', `images.example.org`],
    cfCertificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11',
};

export const CF_CACHE_HEADERS: string[] = ['authorization'];
export const PROXY_LOG_LEVEL: string = 'info';
export const CONTAINER_ARCHITECTURE: ContainerArchitecture = 'arm64';
