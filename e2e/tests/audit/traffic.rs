//! Requests that leave events.

use anyhow::{Result, ensure};
use serde_json::json;
use snc_e2e::api::{Api, Ask};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

/// People who write until they are told to stop.
pub struct Traffic {
    stop: Arc<AtomicBool>,
    made: Arc<AtomicUsize>,
    people: Vec<JoinHandle<()>>,
}

impl Traffic {
    pub fn begin(api: &Api, namespaces: &[&str], people: usize) -> Self {
        let (stop, made) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let people = (0..people).map(|person| {
            let (api, stop, made) = (api.clone(), stop.clone(), made.clone());
            let namespaces: Vec<String> = namespaces.iter().map(|&name| name.to_owned()).collect();
            thread::spawn(move || {
                let mut turn = 0_usize;
                while !stop.load(Ordering::Relaxed) {
                    let namespace = &namespaces[turn % namespaces.len()];
                    let name = format!("essai-{person}-{turn}");
                    let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"saison": "été <&>"}});
                    let path = format!("/api/v1/namespaces/{namespace}/configmaps");
                    // Whether it is let through is of no interest: either leaves an event.
                    let _ = api.send(&Ask::create(path, body).dry_run());
                    made.fetch_add(1, Ordering::Relaxed);
                    turn += 1;
                }
            })
        });
        let people = people.collect();
        Self { stop, made, people }
    }

    pub fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    pub fn end(mut self) -> Result<usize> {
        self.stop.store(true, Ordering::Relaxed);
        for person in self.people.drain(..) {
            ensure!(person.join().is_ok(), "a thread of the traffic ended badly");
        }
        Ok(self.made())
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
