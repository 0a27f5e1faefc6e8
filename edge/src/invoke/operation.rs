//! The SDK's words for an operation: its input as an HTTP request, its answer as an output or an error.
//!
//! Around them the SDK does much for every request - a bag of configuration, a dozen interceptors, endpoint rules - which
//! takes more time than all else in the edge, and decides nothing that changes from one request to the next.

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
use hyper::{Request, Response};

/// One of the SDK's operations.
#[derive(Debug, Clone)]
pub struct Operation {
    configuration: FrozenLayer,
    metadata: fn(&Error) -> Option<&ErrorMetadata>,
}

impl Operation {
    /// `Invoke`.
    pub fn invoke() -> Self {
        Self::of::<InvokeError>(&Invoke::new())
    }

    /// `InvokeWithResponseStream`.
    pub fn invoke_with_response_stream() -> Self {
        Self::of::<InvokeWithResponseStreamError>(&InvokeWithResponseStream::new())
    }

    // Every operation of the SDK has these two, without which its own client could send nothing.
    fn of<E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static>(operation: &impl RuntimePlugin) -> Self {
        let configuration = operation.config().expect("an operation's configuration");
        Self { configuration, metadata: |error| Some(error.downcast_ref::<E>()?.meta()) }
    }

    fn deserializer(&self) -> &SharedResponseDeserializer {
        self.configuration.load::<SharedResponseDeserializer>().expect("an operation's deserializer")
    }

    /// The operation's input as a request whose URI is a path.
    pub fn request<I: Debug + Send + Sync + 'static>(&self, input: I) -> Result<Request<SdkBody>, String> {
        let serializer = self.configuration.load::<SharedRequestSerializer>().expect("an operation's serializer");
        let request = serializer.serialize_input(Input::erase(input), &mut ConfigBag::base());
        request.map_err(|error| error.to_string())?.try_into_http1x().map_err(|error| error.to_string())
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
