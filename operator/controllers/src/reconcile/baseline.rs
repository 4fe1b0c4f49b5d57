use super::status;
use crate::context::Context;
use crate::queue::Outcome;
use jiff::Timestamp;
use kube::Api;
use snc_api::v1alpha1::SncBaseline;
use snc_core::condition::kind;
use snc_plan::status::baseline_status;

pub async fn reconcile(context: &Context, name: &str) -> Outcome {
    let api: Api<SncBaseline> = Api::all(context.client.clone());
    let found = context.index().baseline(name).cloned();
    match found {
        None => Outcome::Done,
        Some(Err(unreadable)) => {
            status::unreadable(context, &api, &unreadable, &[kind::CONSISTENT]).await;
            Outcome::Done
        }
        Some(Ok(baseline)) => {
            let fresh = baseline_status(&context.index(), &context.settings, &baseline, Timestamp::now());
            if baseline.status.as_ref() == Some(&fresh) {
                return Outcome::Done;
            }
            status::write(&api, &*baseline, &fresh).await
        }
    }
}
