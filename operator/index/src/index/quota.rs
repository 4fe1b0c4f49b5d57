use snc_core::quota::Shares;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The tenant's total is one sum over all its namespaces: divided anew only when something that counts has changed.
#[derive(Debug, Default)]
pub struct Memo(Mutex<BTreeMap<String, Arc<Shares>>>);

impl Memo {
    pub fn get(&self, tenant: &str, compute: impl FnOnce() -> Shares) -> Arc<Shares> {
        if let Some(known) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(tenant) {
            return known.clone();
        }
        let fresh = Arc::new(compute());
        let mut memo = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memo.insert(tenant.to_owned(), fresh.clone());
        fresh
    }

    pub fn forget_tenant(&mut self, tenant: &str) {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).remove(tenant);
    }

    pub fn forget(&mut self) {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
