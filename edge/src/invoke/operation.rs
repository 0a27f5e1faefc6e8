//! The SDK's words for an operation: its input as an HTTP request, its answer as an output or an error.
//!
//! Around them the SDK does much for every request - a bag of configuration, a dozen interceptors, endpoint rules - which
//! takes more time than all else in the edge, and decides nothing that changes from one request to the next. So a request is
//! written once, and what changes is put into its copies.

use std::fmt::Debug;

use aws_sdk_lambda::error::{ErrorMetadata, ProvideErrorMetadata};
use aws_sdk_lambda::operation::invoke::{Invoke, InvokeError};
use aws_sdk_lambda::operation::invoke_with_response_stream::{InvokeWithResponseStream, InvokeWithResponseStreamError};
use aws_smithy_runtime_api::client::interceptors::context::{Error, Input};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::runtime_plugin::RuntimePlugin;
use aws_smithy_runtime_api::client::ser_de::{
    DeserializeResponse, SerializeRequest, SharedRequestSerializer, SharedResponseDeserializer,
};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::{ConfigBag, FrozenLayer};
use hyper::header::{CONTENT_LENGTH, HeaderMap};
use hyper::{Method, Response};

/// One of the SDK's operations.
#[derive(Debug, Clone)]
pub struct Operation {
    configuration: FrozenLayer,
    metadata: fn(&Error) -> Option<&ErrorMetadata>,
}

/// A request without what it carries.
#[derive(Debug)]
pub struct Head {
    /// The method.
    pub method: Method,
    /// The path.
    pub path: String,
    /// Headers, without the length of the body.
    pub headers: HeaderMap,
}

impl Operation {
    /// `Invoke`.
    pub fn invoke() -> Result<Self, String> {
        Self::of::<InvokeError>(&Invoke::new())
    }

    /// `InvokeWithResponseStream`.
    pub fn invoke_with_response_stream() -> Result<Self, String> {
        Self::of::<InvokeWithResponseStreamError>(&InvokeWithResponseStream::new())
    }

    /// Without its two halves the SDK's own client could send nothing; where another version keeps them elsewhere, that is told.
    fn of<E>(operation: &impl RuntimePlugin) -> Result<Self, String>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let halves = |configuration: &FrozenLayer| {
            configuration.load::<SharedRequestSerializer>().is_some()
                && configuration.load::<SharedResponseDeserializer>().is_some()
        };
        let configuration = operation.config().filter(halves).ok_or("this version of the SDK has another form of operations")?;
        Ok(Self { configuration, metadata: |error| Some(error.downcast_ref::<E>()?.meta()) })
    }

    fn deserializer(&self) -> &SharedResponseDeserializer {
        self.configuration.load::<SharedResponseDeserializer>().expect("an operation's deserializer")
    }

    /// What the requests with this input have in common, as the SDK writes it.
    pub fn head<I: Debug + Send + Sync + 'static>(&self, input: I) -> Result<Head, String> {
        let serializer = self.configuration.load::<SharedRequestSerializer>().expect("an operation's serializer");
        let request = serializer.serialize_input(Input::erase(input), &mut ConfigBag::base());
        let request = request.map_err(|error| error.to_string())?.try_into_http1x().map_err(|error| error.to_string())?;
        let (mut head, _) = request.into_parts();
        head.headers.remove(CONTENT_LENGTH);
        Ok(Head { method: head.method, path: head.uri.path().to_owned(), headers: head.headers })
    }

    /// An answer that comes in pieces, as the operation's output.
    pub fn output<O: Debug + Send + Sync + 'static>(&self, response: Response<SdkBody>) -> Option<O> {
        let mut response = HttpResponse::try_from(response).ok()?;
        let output = self.deserializer().deserialize_streaming_with_config(&mut response, &ConfigBag::base())?;
        output.ok()?.downcast().ok()
    }

    /// An answer that says that the operation failed, as the service's error; `None`: it is not the service's.
    pub fn error(&self, response: Response<SdkBody>) -> Option<ErrorMetadata> {
        let response = HttpResponse::try_from(response).ok()?;
        let error = self.deserializer().deserialize_nonstreaming_with_config(&response, &ConfigBag::base()).err()?;
        (self.metadata)(error.as_operation_error()?).cloned()
    }
}
