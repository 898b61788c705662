export { defaultConfig, readServeConfig, type ServeConfig } from './config';
export { type ApiOptions, isLoopback, type RunningApi, startApi } from './server';
export { createToken, type NewToken, readTokens, revokeToken, type Scope, scopes, type Token } from './tokens';
