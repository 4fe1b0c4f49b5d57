//! Questions to the API server's authorizer; it stores none of them.

use super::Cluster;
use super::list::{Trouble, plural};
use crate::model::preflight::{Read, Right, operator_rights, own_rights};
use futures::{StreamExt, stream};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec, SubjectAccessReview,
    SubjectAccessReviewSpec,
};
use kube::api::{Api, PostParams};
use snc_plan::Settings;

impl Cluster {
    pub async fn own_rights(&self, settings: &Settings) -> Vec<(Right, Read<bool>)> {
        let api = Api::<SelfSubjectAccessReview>::all(self.client.clone());
        let ask = |right: Right| {
            let api = api.clone();
            async move {
                let spec = SelfSubjectAccessReviewSpec {
                    resource_attributes: Some(attributes(&right)),
                    ..SelfSubjectAccessReviewSpec::default()
                };
                let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
                let answer = api.create(&PostParams::default(), &review).await;
                let allowed = answer.map(|review| review.status.is_some_and(|status| status.allowed));
                (right, allowed.map_err(|error| Trouble::new(plural::<SelfSubjectAccessReview>(), &error)))
            }
        };
        stream::iter(own_rights(settings)).map(ask).buffered(8).collect().await
    }

    pub async fn rights_of_operator(&self, settings: &Settings) -> Vec<(Right, Read<bool>)> {
        let api = Api::<SubjectAccessReview>::all(self.client.clone());
        let identity = &settings.identity;
        let groups = vec![
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{}", identity.namespace),
            "system:authenticated".to_owned(),
        ];
        let ask = |right: Right| {
            let (api, groups) = (api.clone(), groups.clone());
            async move {
                let spec = SubjectAccessReviewSpec {
                    user: Some(identity.username()),
                    groups: Some(groups),
                    resource_attributes: Some(attributes(&right)),
                    ..SubjectAccessReviewSpec::default()
                };
                let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
                let answer = api.create(&PostParams::default(), &review).await;
                let allowed = answer.map(|review| review.status.is_some_and(|status| status.allowed));
                (right, allowed.map_err(|error| Trouble::new(plural::<SubjectAccessReview>(), &error)))
            }
        };
        let mut rights = operator_rights(settings).into_iter();
        let Some(first) = rights.next() else { return Vec::new() };
        let first = ask(first).await;
        if first.1.is_err() {
            // Who may not ask once may not ask eighty times.
            return vec![first];
        }
        let mut answers = vec![first];
        answers.extend(stream::iter(rights).map(ask).buffered(8).collect::<Vec<_>>().await);
        answers
    }
}

fn attributes(right: &Right) -> ResourceAttributes {
    let (resource, subresource) = match right.resource.split_once('/') {
        Some((resource, sub)) => (resource.to_owned(), Some(sub.to_owned())),
        None => (right.resource.clone(), None),
    };
    ResourceAttributes {
        verb: Some(right.verb.clone()),
        group: Some(right.group.clone()),
        resource: Some(resource),
        subresource,
        name: right.name.clone(),
        namespace: right.namespace.clone(),
        ..ResourceAttributes::default()
    }
}
