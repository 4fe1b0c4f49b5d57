//! A process that reads and never writes: what the admission webhook decides on. Every replica does the same, and none
//! needs the lease.

use crate::assess::catalogue;
use crate::context::Context;
use crate::error::Error;
use crate::events::Events;
use crate::lease::Lease;
use crate::meter::Meter;
use crate::metrics::Metrics;
use crate::watch::hosts::Names;
use crate::watch::{OWNERSHIP, addresses, hosts, images, reserved};
use crate::{assess, waivers, watch};
use kube::client::ClientBuilder;
use snc_catalogue::{Broken, Catalogue};
use snc_core::names::LEASE;
use snc_core::reserved::Reserved;
use snc_index::{Hosts, Images, Index};
use snc_plan::waivers::InForce;
use snc_plan::{ClusterFacts, Settings};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;
use tokio::task::JoinSet;

pub struct Reader {
    context: Arc<Context>,
    hosts: Arc<RwLock<Hosts>>,
    reserved: Arc<RwLock<Reserved>>,
    images: Arc<images::Known>,
}

impl Reader {
    /// Begins to watch; what ends among `tasks` ends the process. `names` says what an object publishes under.
    pub fn start(
        kube: kube::Config,
        settings: Settings,
        instance: &str,
        names: Names,
        tasks: &mut JoinSet<&'static str>,
    ) -> Result<Self, Error> {
        let metrics = Metrics::new().map_err(|error| Error::Config(format!("metrics: {error}")))?;
        let metrics = Arc::new(metrics);
        let client = ClientBuilder::try_from(kube)
            .map_err(Error::api("client"))?
            .with_layer(&Meter(metrics.clone()))
            .build();
        let events = Events::new(client.clone(), instance);
        // Never asked for.
        let lease = Lease::new(client.clone(), &settings.identity.namespace, LEASE, instance, Duration::ZERO);
        let context = Arc::new(Context::new(client, settings, events, lease, metrics));
        let (hosts, kept) = (Arc::new(RwLock::default()), Arc::new(RwLock::default()));
        watch::start(&context, &OWNERSHIP, tasks);
        addresses::start(&context, tasks);
        hosts::start(&context, &hosts, names, tasks);
        reserved::start(&context, &kept, tasks);
        let known = Arc::default();
        images::start(&context, &known, tasks);
        tasks.spawn(watch::doubt(context.clone()));
        tasks.spawn(waivers::keep(context.clone()));
        let custom = context.clone();
        tasks.spawn(async move {
            assess::follow_controls(custom).await;
            "snccontrols"
        });
        Ok(Self { context, hosts, reserved: kept, images: known })
    }

    pub fn settings(&self) -> &Settings {
        &self.context.settings
    }

    pub fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.context.index()
    }

    pub fn hosts(&self) -> RwLockReadGuard<'_, Hosts> {
        self.hosts.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn reserved(&self) -> RwLockReadGuard<'_, Reserved> {
        self.reserved.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// None as long as they are not known up to now.
    pub fn images(&self) -> Option<RwLockReadGuard<'_, Images>> {
        self.images.images()
    }

    pub fn cluster(&self) -> Arc<ClusterFacts> {
        self.context.cluster()
    }

    /// Those in force now; none as long as none are known.
    pub fn waivers(&self) -> Option<Arc<InForce>> {
        self.context.exceptions.in_force()
    }

    /// Changes with whatever says who owns which namespace, or by what it is judged.
    pub fn revision(&self) -> u64 {
        self.context.revision()
    }

    /// Everything was listed once.
    pub fn is_synced(&self) -> bool {
        self.context.inputs.synced_at().is_some()
    }

    /// Everything was listed, may be read, and is known up to now.
    pub fn is_current(&self) -> bool {
        self.context.inputs.current()
    }

    /// Of each kind, since when nothing was heard of it.
    pub fn ages(&self) -> Vec<(&'static str, Option<Duration>)> {
        let own = self.context.inputs.all().into_iter().map(|(kind, input)| (kind, input.age()));
        own.chain(self.images.ages()).collect()
    }

    /// The built-in controls and the platform's own, as soon as those are known.
    pub async fn catalogue(&self) -> Result<Catalogue, Broken> {
        self.context.controls.settled().await;
        catalogue(&self.context)
    }

    /// Until the platform's own controls are others.
    pub async fn controls_changed(&self) {
        self.context.controls.changed().await;
    }
}
