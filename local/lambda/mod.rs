//! Lambda: the Invoke API and function URLs for callers, the Runtime API for functions, and a
//! process for every environment.
//!
//! A function is any program that is a client of the Runtime API, in any language. Event sources,
//! versions and aliases are not implemented.

mod access;
mod concurrency;
mod environment;
mod error;
mod function;
mod function_name;
mod function_url;
mod invocation;
mod invoke;
mod invoke_request;
mod log;
mod output;
mod platform_log;
mod pool;
mod process;
mod runtime_api;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use parking_lot::Mutex;

pub use access::{AccessControl, IamAuthorizer, InvokePermission, PermittedPrincipal};
use concurrency::ConcurrencyLimit;
pub use concurrency::ConcurrencyLimits;
pub use environment::StartFailure;
use error::LambdaError;
pub use function::Function;
use function_name::FunctionName;
pub(crate) use function_url::{FunctionUrl, InvokeMode, UrlAuth};
use invoke::EventRetries;
use pool::Pool;

use crate::recorder::Recorder;

/// The service with its functions. Clones share one state.
#[derive(Debug, Clone)]
pub struct Lambda {
    functions: Arc<HashMap<String, RegisteredFunction>>,
    recorder: Recorder,
    access: Arc<AccessControl>,
    idle_timeout: Duration,
    event_retries: Arc<EventRetries>,
}

#[derive(Debug)]
struct RegisteredFunction {
    function: Function,
    /// The limit of its environments: its own, or the one that it shares with other functions.
    limit: Arc<ConcurrencyLimit>,
    /// One pool for each tenant, because tenants share no environments.
    pools: Mutex<HashMap<Option<String>, Arc<Pool>>>,
}

impl Lambda {
    /// Creates a service with these functions and starts no environment. Invocations are recorded
    /// with `recorder`.
    pub fn new(
        functions: Vec<Function>,
        recorder: Recorder,
        access: AccessControl,
        limits: ConcurrencyLimits,
    ) -> Self {
        let common = ConcurrencyLimit::of_account(limits.environments);
        let entry = |function: Function| {
            let limit = match function.reserved_concurrency {
                Some(reserved) => ConcurrencyLimit::reserved(reserved),
                None => ConcurrencyLimit::share_of(&common),
            };
            (
                function.name.clone(),
                RegisteredFunction {
                    function,
                    limit,
                    pools: Mutex::default(),
                },
            )
        };
        Self {
            functions: Arc::new(functions.into_iter().map(entry).collect()),
            recorder,
            access: Arc::new(access),
            idle_timeout: limits.idle_timeout,
            event_retries: Arc::new(EventRetries::new(limits.event_retry_waits)),
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

    /// Ends the environments of a function as soon as they have responded to what they work on, so
    /// that later invocations find new ones.
    pub fn retire(&self, name: &str) {
        let Some(entry) = self.functions.get(name) else {
            return;
        };
        let pools: Vec<_> = entry.pools.lock().values().cloned().collect();
        pools.iter().for_each(|pool| pool.retire());
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
        if let Some(pool) = pools.get(&tenant.map(str::to_owned)) {
            return Some(Arc::clone(pool));
        }
        // Every environment and every request of a tenant holds its pool.
        pools.retain(|_, pool| Arc::strong_count(pool) > 1);
        let pool = Pool::new(
            entry.function.clone(),
            Arc::clone(&entry.limit),
            self.idle_timeout,
        );
        pools.insert(tenant.map(str::to_owned), Arc::clone(&pool));
        Some(pool)
    }

    /// Whether what the function prints is printed.
    fn echoes_log(&self, name: &str) -> bool {
        let entry = self.functions.get(name);
        entry.is_some_and(|entry| entry.function.echo_log)
    }

    /// Fails if there is no function with the name and the qualifier. There are no published
    /// versions and no aliases.
    fn check_exists(&self, name: &FunctionName) -> Result<(), LambdaError> {
        let is_published = name
            .qualifier
            .as_deref()
            .is_none_or(|qualifier| qualifier == "$LATEST");
        if is_published && self.functions.contains_key(&name.name) {
            return Ok(());
        }
        Err(name.not_found())
    }

    /// The pool of the function that a caller has named.
    fn find(&self, name: &FunctionName, tenant: Option<&str>) -> Result<Arc<Pool>, LambdaError> {
        self.check_exists(name)?;
        self.pool(&name.name, tenant)
            .ok_or_else(|| name.not_found())
    }
}
