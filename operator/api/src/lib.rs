//! Types of the API group `secnumcloud.dev`.

pub mod v1alpha1;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;
use serde_json::Value;

/// Every CustomResourceDefinition of the product, in the order in which they are printed.
pub fn all_crds() -> Vec<CustomResourceDefinition> {
    let mut crds = vec![
        v1alpha1::SncBaseline::crd(),
        v1alpha1::SncTenant::crd(),
        v1alpha1::SncPolicy::crd(),
        v1alpha1::SncControl::crd(),
        v1alpha1::SncException::crd(),
        v1alpha1::SncAssessment::crd(),
        v1alpha1::SncWaiverSet::crd(),
        v1alpha1::SncImageScan::crd(),
        v1alpha1::SncImageLedger::crd(),
        v1alpha1::SncAuditLog::crd(),
    ];
    for version in crds.iter_mut().flat_map(|crd| &mut crd.spec.versions) {
        if let Some(schema) = version.schema.as_mut().and_then(|s| s.open_api_v3_schema.as_mut()) {
            tidy(schema);
        }
    }
    crds
}

/// Whether the API server answers for it.
pub fn is_served(crd: &CustomResourceDefinition) -> bool {
    let conditions = crd.status.iter().filter_map(|status| status.conditions.as_ref()).flatten();
    conditions.into_iter().any(|condition| condition.type_ == "Established" && condition.status == "True")
}

/// What objects are held to; names and metadata are the server's business.
pub fn schemas(crd: &CustomResourceDefinition) -> Vec<(String, bool, Value)> {
    let versions = crd.spec.versions.iter();
    versions
        .map(|version| {
            let schema = serde_json::to_value(&version.schema).unwrap_or_default();
            (version.name.clone(), version.served, schema)
        })
        .collect()
}

/// Doc comments are wrapped for the source; `kubectl explain` wraps for the terminal. An optional field is left out, not
/// null: a null in an enum is refused by the API server with a message that helps nobody.
fn tidy(schema: &mut JSONSchemaProps) {
    if let Some(text) = &mut schema.description {
        *text =
            text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect::<Vec<_>>().join("\n\n");
    }
    schema.nullable = None;
    // The API server warns of a format that it does not know; that there is no sign is said by the minimum.
    if schema.format.as_deref().is_some_and(|format| format.starts_with("uint")) {
        schema.format = Some("int64".to_owned());
    }
    if let Some(values) = &mut schema.enum_ {
        values.retain(|value| !value.0.is_null());
    }
    schema.properties.iter_mut().flat_map(|p| p.values_mut()).for_each(tidy);
    match &mut schema.items {
        Some(JSONSchemaPropsOrArray::Schema(items)) => tidy(items),
        Some(JSONSchemaPropsOrArray::Schemas(all)) => all.iter_mut().for_each(tidy),
        None => {}
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        tidy(values);
    }
}
