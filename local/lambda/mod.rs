//! Lambda: the Invoke API and function URLs for callers, the Runtime API for functions, and a
//! process for every environment.
//!
//! A function is any program that is a client of the Runtime API, in any language. Event sources,
//! versions and aliases are not implemented.

mod access;
mod environment;
mod error;
mod function;
mod function_name;
mod function_url;
mod invocation;
mod invoke;
mod invoke_request;
mod log;
mod pool;
mod process;
mod runtime_api;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use parking_lot::Mutex;

pub use access::{AccessControl, IamAuthorizer, InvokePermission, PermittedPrincipal};
pub use environment::StartFailure;
use error::LambdaError;
pub use function::Function;
use function_name::FunctionName;
pub(crate) use function_url::{FunctionUrl, InvokeMode, UrlAuth};
use pool::Pool;

use crate::recorder::Recorder;

/// The service with its functions. Clones share one state.
#[derive(Debug, Clone)]
pub struct Lambda {
    functions: Arc<HashMap<String, RegisteredFunction>>,
    recorder: Recorder,
    access: Arc<AccessControl>,
}

#[derive(Debug)]
struct RegisteredFunction {
    function: Function,
    /// One pool for each tenant, because tenants share no environments.
    pools: Mutex<HashMap<Option<String>, Arc<Pool>>>,
}

impl Lambda {
    /// Creates a service with these functions and starts no environment. Invocations are recorded
    /// with `recorder`.
    pub fn new(functions: Vec<Function>, recorder: Recorder, access: AccessControl) -> Self {
        let entry = |function: Function| {
            (
                function.name.clone(),
                RegisteredFunction {
                    function,
                    pools: Mutex::default(),
                },
            )
        };
        Self {
            functions: Arc::new(functions.into_iter().map(entry).collect()),
            recorder,
            access: Arc::new(access),
        }
    }

    /// The router of the Invoke API.
    pub fn router(&self) -> Router {
        invoke::router().with_state(self.clone())
    }

    pub(crate) fn url_router(&self, url: FunctionUrl) -> Router {
        function_url::router(self.clone(), url)
    }

    /// Starts an environment of a function and waits until it is ready; fails if its process ends
    /// before.
    pub async fn warm_up(&self, name: &str) -> Result<(), StartFailure> {
        let unknown = || StartFailure {
            exit_description: format!("there is no function {name}"),
            log: String::new(),
        };
        let pool = self.pool(name, None).ok_or_else(unknown)?;
        pool.warm_up().await
    }

    /// Ends every environment and waits for the end of the processes.
    pub async fn stop(&self) {
        let pools: Vec<_> = self
            .functions
            .values()
            .flat_map(|entry| entry.pools.lock().values().cloned().collect::<Vec<_>>())
            .collect();
        for pool in pools {
            pool.stop().await;
        }
    }

    fn pool(&self, name: &str, tenant: Option<&str>) -> Option<Arc<Pool>> {
        let entry = self.functions.get(name)?;
        let mut pools = entry.pools.lock();
        let pool = pools
            .entry(tenant.map(str::to_owned))
            .or_insert_with(|| Pool::new(entry.function.clone()));
        Some(Arc::clone(pool))
    }

    /// The pool of the function that a caller has named. There are no published versions and no
    /// aliases.
    fn find(&self, name: &FunctionName, tenant: Option<&str>) -> Result<Arc<Pool>, LambdaError> {
        let is_published = name
            .qualifier
            .as_deref()
            .is_none_or(|qualifier| qualifier == "$LATEST");
        self.pool(&name.name, tenant)
            .filter(|_| is_published)
            .ok_or_else(|| name.not_found())
    }
}
