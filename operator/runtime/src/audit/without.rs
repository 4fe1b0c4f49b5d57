//! No cluster to ask: for a sink beside API servers that it must not, or cannot, speak to. Nothing is taken for a yes.

use snc_sink::cluster::{Answer, Asked, Cluster, Marked, People, Silent, User};
use snc_sink::status::Status;
use snc_sink::wishes::Wishes;
use tokio::sync::watch;

/// Everything there is: nobody owns anything, so that every event is the platform's at once.
pub struct Without {
    people: watch::Sender<People>,
    wishes: watch::Sender<Option<Wishes>>,
}

impl Without {
    pub fn new() -> Self {
        let people = People { synced: true, ..People::default() };
        Self { people: watch::Sender::new(people), wishes: watch::Sender::new(None) }
    }
}

fn silent<'a, T>() -> Answer<'a, T> {
    Box::pin(async { Err(Silent("--without-cluster: there is nobody to ask".to_owned())) })
}

impl Cluster for Without {
    fn authenticate<'a>(&'a self, _: &'a str) -> Answer<'a, Option<User>> {
        silent()
    }

    fn may<'a>(&'a self, _: &'a User, _: Asked<'a>) -> Answer<'a, bool> {
        silent()
    }

    fn people(&self) -> watch::Receiver<People> {
        self.people.subscribe()
    }

    fn wishes(&self) -> watch::Receiver<Option<Wishes>> {
        self.wishes.subscribe()
    }

    fn report<'a>(&'a self, _: &'a Status) -> Answer<'a, ()> {
        silent()
    }

    fn mark<'a>(&'a self, _: &'a str) -> Answer<'a, Marked> {
        silent()
    }
}
