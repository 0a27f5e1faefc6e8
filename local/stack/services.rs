//! Configures each service as the template does, with the URLs of the services that it calls, and
//! starts them on their ports.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::http::Method;
use axum::routing::get;
use tokio::task::JoinHandle;
use tower_http::services::ServeDir;

use super::ports::{Port, Ports};
use super::template::{
    CORS_ALLOW_HEADERS, CORS_EXPOSE_HEADERS, CORS_MAX_AGE, EDGE, EDGE_OPEN, EDGE_STREAM,
    GATEWAY_RESPONSE_HEADERS, REST_STAGE, ROUTE, STREAM_STAGE, THROTTLING_BURST, THROTTLING_RATE,
    URL_ALLOW_HEADERS,
};
use crate::apigateway::{
    GatewayResponses, RestApi, RestApiConfiguration, Stage, StreamLimits, TransferMode,
};
use crate::apigatewayv2::{HttpApi, HttpApiConfiguration, Route, Routes};
use crate::aws::{
    REST_API_STREAM_BURST, REST_API_STREAM_IDLE_TIMEOUT, REST_API_STREAM_RATE,
    REST_API_STREAM_TIMEOUT, USER_POOL_CLIENT_ID,
};
use crate::cognito_identity::IdentityPool;
use crate::cognito_idp::UserPool;
use crate::console::{Console, configuration_file};
use crate::cors::CorsConfiguration;
use crate::credentials::{CredentialStore, Principal};
use crate::http::{HttpClient, serve, serve_with_header_names, with_host_check};
use crate::jwt::{JwtConfiguration, Verifier};
use crate::lambda::{FunctionUrl, InvokeMode, Lambda, UrlAuth};
use crate::recorder::Recorder;
use crate::signer::Signer;
use crate::throttle::{Bandwidth, ThrottlingLimits};

/// The parts of which the services are built.
pub(super) struct Services {
    /// The content of `/config.json`.
    pub configuration: String,
    pub lambda: Lambda,
    pub user_pool: UserPool,
    /// The issued AWS credentials.
    pub store: CredentialStore,
    pub recorder: Recorder,
    pub console: Console,
    /// The allowed origins, separated by commas.
    pub origins: String,
    /// Whether the APIs are throttled as the template says, and the bandwidth of streams is limited
    /// as at AWS.
    pub is_throttled: bool,
}

impl Services {
    /// Starts every service on its port and returns their tasks.
    pub(super) fn start(&self, ports: Ports, web: Option<&Path>) -> Vec<JoinHandle<()>> {
        let lambda_url = ports.lambda.url.clone();
        let frontend = ports
            .web
            .zip(web)
            .map(|(port, folder)| spawn(port, self.frontend(folder)));
        let services = [
            spawn(ports.console, self.console.router()),
            spawn(ports.api, self.http_api(&lambda_url)),
            spawn(ports.user_pool, self.user_pool.router()),
            spawn(ports.identity_pool, self.identity_pool()),
            spawn(ports.lambda, self.lambda.router()),
            spawn(
                ports.edge_url,
                self.url(EDGE, UrlAuth::AwsIam, InvokeMode::Buffered, None),
            ),
            spawn(
                ports.open_url,
                self.url(EDGE_OPEN, UrlAuth::None, InvokeMode::Buffered, None),
            ),
            spawn(
                ports.stream_url,
                self.url(
                    EDGE_STREAM,
                    UrlAuth::AwsIam,
                    InvokeMode::ResponseStream,
                    Some(self.url_cors()),
                ),
            ),
        ];
        let rest_api = spawn_with_header_names(ports.rest_api, self.rest_api(&lambda_url));
        services
            .into_iter()
            .chain([rest_api])
            .chain(frontend)
            .flatten()
            .collect()
    }

    /// Serves the files of a built frontend, with the stack's own `/config.json` in place of one in
    /// the folder.
    fn frontend(&self, folder: &Path) -> Router {
        let configuration = self.configuration.clone();
        let answer = move || std::future::ready(configuration_file(configuration.clone()));
        Router::new()
            .route("/config.json", get(answer))
            .fallback_service(ServeDir::new(folder))
    }

    fn http_api(&self, lambda: &str) -> Router {
        let route = Route {
            key: ROUTE.to_owned(),
            function: EDGE.to_owned(),
            authorization: Some(Vec::new()),
        };
        let api = HttpApi::new(HttpApiConfiguration {
            routes: Routes::new(vec![route]),
            jwt: self.jwt(),
            cors: self.cors("POST", CORS_ALLOW_HEADERS),
            lambda: lambda.to_owned(),
            signer: self.signer(),
            throttling: self.throttling(),
            recorder: self.recorder.clone(),
        });
        api.router()
    }

    fn rest_api(&self, lambda: &str) -> Router {
        let limits = StreamLimits {
            total: REST_API_STREAM_TIMEOUT,
            idle: REST_API_STREAM_IDLE_TIMEOUT,
            bandwidth: self.is_throttled.then_some(Bandwidth {
                burst: REST_API_STREAM_BURST,
                rate: REST_API_STREAM_RATE,
            }),
        };
        let stages = vec![
            Stage {
                name: REST_STAGE,
                function: EDGE,
                transfer_mode: TransferMode::Buffered,
            },
            Stage {
                name: STREAM_STAGE,
                function: EDGE_STREAM,
                transfer_mode: TransferMode::Stream(limits),
            },
        ];
        let api = RestApi::new(RestApiConfiguration {
            stages,
            throttling: self.throttling(),
            resource: "/inference".to_owned(),
            methods: vec![Method::GET, Method::POST],
            jwt: self.jwt(),
            gateway_responses: GatewayResponses {
                headers: GATEWAY_RESPONSE_HEADERS.to_vec(),
            },
            lambda: lambda.to_owned(),
            signer: self.signer(),
            recorder: self.recorder.clone(),
        });
        api.router()
    }

    fn throttling(&self) -> Option<ThrottlingLimits> {
        self.is_throttled.then_some(ThrottlingLimits {
            rate: f64::from(THROTTLING_RATE),
            burst: f64::from(THROTTLING_BURST),
        })
    }

    fn identity_pool(&self) -> Router {
        let verifier = Verifier::new(self.jwt(), HttpClient::new());
        IdentityPool::new(verifier, self.user_pool.clone(), self.store.clone()).router()
    }

    fn url(
        &self,
        function: &str,
        auth: UrlAuth,
        mode: InvokeMode,
        cors: Option<CorsConfiguration>,
    ) -> Router {
        self.lambda.url_router(FunctionUrl {
            function: function.to_owned(),
            auth,
            mode,
            cors: cors.map(Arc::new),
        })
    }

    fn jwt(&self) -> JwtConfiguration {
        JwtConfiguration {
            issuer: self.user_pool.issuer().to_owned(),
            audience: vec![USER_POOL_CLIENT_ID.to_owned()],
        }
    }

    fn signer(&self) -> Signer {
        Signer::new(self.store.issue_long_term(Principal::ApiGateway))
    }

    /// The CORS configuration of a function URL with `AWS_IAM`. Browsers do not sign preflights, so
    /// the URL must respond to them.
    fn url_cors(&self) -> CorsConfiguration {
        self.cors("GET,POST", URL_ALLOW_HEADERS)
    }

    fn cors(&self, methods: &str, headers: &str) -> CorsConfiguration {
        let list = |text: &str| {
            text.split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(str::to_owned)
                .collect()
        };
        CorsConfiguration {
            allow_origins: list(&self.origins),
            allow_methods: list(methods),
            allow_headers: list(headers),
            expose_headers: list(CORS_EXPOSE_HEADERS),
            max_age: CORS_MAX_AGE,
        }
    }
}

/// Serves a router at each address of a port, in one task each.
fn spawn(port: Port, router: Router) -> Vec<JoinHandle<()>> {
    port.listeners
        .into_iter()
        .map(|listener| tokio::spawn(serve(listener, with_host_check(router.clone()))))
        .collect()
}

/// Serves the router of an API that passes on the names of headers as the client wrote them.
fn spawn_with_header_names(port: Port, router: Router) -> Vec<JoinHandle<()>> {
    port.listeners
        .into_iter()
        .map(|listener| {
            tokio::spawn(serve_with_header_names(
                listener,
                with_host_check(router.clone()),
            ))
        })
        .collect()
}
