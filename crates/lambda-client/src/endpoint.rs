//! Where Lambda is: the SDK's endpoint rules, by its documented API.

use std::error::Error;

use aws_config::SdkConfig;
use aws_sdk_lambda::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_types::service_config::ServiceConfigKey;
use hyper::Uri;

/// Lambda's endpoint in a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its URL; a path in it comes before the path of each operation.
    pub url: Uri,
    /// The region that requests are signed for.
    pub region: String,
}

impl Endpoint {
    /// Applies the SDK's rules to the region and to `AWS_ENDPOINT_URL_LAMBDA`, `AWS_ENDPOINT_URL`
    /// and the like.
    pub async fn resolve(sdk: &SdkConfig) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let region = sdk.region().map(ToString::to_string);
        let params = Params::builder()
            .set_region(region.clone())
            .set_use_fips(sdk.use_fips())
            .set_use_dual_stack(sdk.use_dual_stack())
            .set_endpoint(endpoint_url(sdk));
        let endpoint = DefaultResolver::new()
            .resolve_endpoint(&params.build()?)
            .await?;
        let url: Uri = endpoint
            .url()
            .parse()
            .map_err(|_| format!("the endpoint {} is not a URL", endpoint.url()))?;
        if !matches!(url.scheme_str(), Some("http" | "https")) {
            return Err(format!(
                "the endpoint {url} begins neither with http:// nor with https://"
            )
            .into());
        }
        let region = region.ok_or("no region: AWS_REGION is not set")?;
        Ok(Self { url, region })
    }

    /// The URL of a path at this endpoint.
    pub(crate) fn join(&self, path: &str) -> Result<Uri, Box<dyn Error + Send + Sync>> {
        let mut parts = self.url.clone().into_parts();
        parts.path_and_query =
            Some(format!("{}{path}", self.url.path().trim_end_matches('/')).parse()?);
        Ok(Uri::from_parts(parts)?)
    }

    /// What stands in the header `Host`: the port only where it is not the scheme's own.
    pub(crate) fn host(&self) -> String {
        let host = self.url.host().unwrap_or_default();
        let default = if self.url.scheme_str() == Some("https") {
            443
        } else {
            80
        };
        match self.url.port_u16() {
            Some(port) if port != default => format!("{host}:{port}"),
            _ => host.to_owned(),
        }
    }
}

/// Lambda's own endpoint goes before the one for every service; an empty value counts as unset.
fn endpoint_url(sdk: &SdkConfig) -> Option<String> {
    let general = sdk
        .endpoint_url()
        .filter(|url| !url.is_empty())
        .map(str::to_owned);
    if sdk.get_origin("endpoint_url").is_client_config() {
        return general;
    }
    let key = ServiceConfigKey::builder()
        .service_id("Lambda")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    let own = key
        .ok()
        .and_then(|key| sdk.service_config()?.load_config(key));
    own.filter(|url| !url.is_empty()).or(general)
}

#[cfg(test)]
mod tests {
    use aws_config::Region;
    use aws_types::sdk_config::Builder;
    use aws_types::service_config::LoadServiceConfig;

    use super::*;

    async fn resolved(builder: Builder) -> Result<String, String> {
        let endpoint = Endpoint::resolve(&builder.build())
            .await
            .map_err(|error| error.to_string())?;
        Ok(format!(
            "{} {} {}",
            endpoint.join("/path").expect("a path"),
            endpoint.host(),
            endpoint.region
        ))
    }

    fn in_region() -> Builder {
        SdkConfig::builder().region(Region::new("eu-north-1"))
    }

    /// The value of `AWS_ENDPOINT_URL_LAMBDA`.
    #[derive(Debug)]
    struct ForLambda(&'static str);

    impl LoadServiceConfig for ForLambda {
        fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
            (key.service_id() == "Lambda").then(|| self.0.to_owned())
        }
    }

    #[tokio::test]
    async fn the_endpoint_is_the_one_that_the_sdk_would_take() {
        let general = || in_region().endpoint_url("http://all:9000/prefix/");
        let aws = "https://lambda.eu-north-1.amazonaws.com/path lambda.eu-north-1.amazonaws.com eu-north-1";
        for (name, builder, expected) in [
            ("the region's", in_region(), aws),
            (
                "FIPS",
                in_region().use_fips(true),
                "https://lambda-fips.eu-north-1.amazonaws.com/path lambda-fips.eu-north-1.amazonaws.com eu-north-1",
            ),
            (
                "dual stack",
                in_region().use_dual_stack(true),
                "https://lambda.eu-north-1.api.aws/path lambda.eu-north-1.api.aws eu-north-1",
            ),
            (
                "every service's",
                general(),
                "http://all:9000/prefix/path all:9000 eu-north-1",
            ),
            (
                "Lambda's own",
                general().service_config(ForLambda("http://own:80")),
                "http://own:80/path own eu-north-1",
            ),
            (
                "Lambda's own is empty",
                general().service_config(ForLambda("")),
                "http://all:9000/prefix/path all:9000 eu-north-1",
            ),
            (
                "every service's is empty",
                in_region().endpoint_url(""),
                aws,
            ),
            (
                "IPv6",
                in_region().endpoint_url("http://[::1]:9001"),
                "http://[::1]:9001/path [::1]:9001 eu-north-1",
            ),
        ] {
            assert_eq!(resolved(builder).await.as_deref(), Ok(expected), "{name}");
        }
        let without = resolved(SdkConfig::builder()).await.expect_err("no region");
        assert!(
            without.contains("Region") || without.contains("region"),
            "{without}"
        );
    }
}
