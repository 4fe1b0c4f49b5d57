//! How much is under way at once, of everybody and of each.

use super::refuse::Refused;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Users with something under way are fewer than that: no more requests are than places.
const USERS: usize = 1024;

/// Places of which nobody has more than some.
pub(super) struct Places {
    all: Arc<Semaphore>,
    each: usize,
    of: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Places {
    pub(super) fn new(all: usize, each: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), each, of: Mutex::default() }
    }

    /// Nobody waits: where it is full, more would only wait longer.
    pub(super) fn take(&self, user: &str) -> Result<Vec<OwnedSemaphorePermit>, Refused> {
        let own = {
            let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
            if of.len() >= USERS {
                of.retain(|_, own| own.available_permits() < self.each);
            }
            of.entry(user.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(self.each))).clone()
        };
        let own = own.try_acquire_owned().map_err(|_| Refused::busy())?;
        let one = self.all.clone().try_acquire_owned().map_err(|_| Refused::busy())?;
        Ok(vec![own, one])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_all_places() {
        let places = Places::new(3, 2);
        let held = [places.take("a").unwrap(), places.take("a").unwrap()];
        assert!(places.take("a").is_err());
        let other = places.take("b").unwrap();
        assert!(places.take("c").is_err());
        drop(held);
        assert!(places.take("c").is_ok());
        drop(other);
        for user in 0..3000 {
            assert!(places.take(&user.to_string()).is_ok());
        }
        assert!(places.of.lock().unwrap().len() <= USERS);
    }
}
