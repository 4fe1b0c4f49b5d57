//! Kubernetes, as far as a sink asks it.

use crate::cluster::{Answer, Asked, Cluster, Marked, Namespace, Owners, People, Silent, User};
use crate::status::Status;
use crate::wishes::Wishes;
use jiff::{SignedDuration, Timestamp};
use std::sync::Mutex;
use tokio::sync::watch;

pub(super) struct Fake {
    people: watch::Sender<People>,
    pub(super) wishes: watch::Sender<Option<Wishes>>,
    pub(super) reported: Mutex<Vec<Status>>,
}

impl Fake {
    /// Namespace `shop` is the tenant's `bleu`, `cart` is `vert`'s.
    pub(super) fn new() -> Self {
        let since = Timestamp::now().checked_sub(SignedDuration::from_hours(1)).unwrap();
        let namespace = |name: &str, tenant: Option<&str>| Namespace {
            name: name.into(),
            uid: format!("uid-{name}"),
            tenant: tenant.map(Into::into),
            since,
            gone: None,
        };
        let owners = |tenant: &str| Owners {
            tenant: tenant.into(),
            since,
            users: [format!("owner-{tenant}")].into(),
            groups: [].into(),
        };
        let people = People {
            synced: true,
            namespaces: vec![
                namespace("shop", Some("bleu")),
                namespace("cart", Some("vert")),
                namespace("tools", None),
            ],
            owners: vec![owners("bleu"), owners("vert")],
        };
        Self {
            people: watch::Sender::new(people),
            wishes: watch::Sender::new(Some(Wishes { generation: 1, ..Wishes::default() })),
            reported: Mutex::default(),
        }
    }
}

impl Cluster for Fake {
    fn authenticate<'a>(&'a self, token: &'a str) -> Answer<'a, Option<User>> {
        let user = User { name: token.to_owned(), uid: "u".into(), ..User::default() };
        Box::pin(async move { Ok((token != "nobody").then_some(user)) })
    }

    /// The administrator everything, owners what is in their namespace.
    fn may<'a>(&'a self, user: &'a User, asked: Asked<'a>) -> Answer<'a, bool> {
        let may = match (user.name.as_str(), asked.namespace) {
            ("admin", _) => true,
            ("owner-bleu", Some("shop")) | ("owner-vert", Some("cart")) => asked.resource == "auditlogs",
            _ => false,
        };
        Box::pin(async move { Ok(may) })
    }

    fn people(&self) -> watch::Receiver<People> {
        self.people.subscribe()
    }

    fn wishes(&self) -> watch::Receiver<Option<Wishes>> {
        self.wishes.subscribe()
    }

    fn report<'a>(&'a self, status: &'a Status) -> Answer<'a, ()> {
        self.reported.lock().unwrap().push(status.clone());
        Box::pin(async { Ok(()) })
    }

    fn mark<'a>(&'a self, _: &'a str) -> Answer<'a, Marked> {
        Box::pin(async { Err(Silent("nobody makes calls here".into())) })
    }
}
