//! Types of the API group `secnumcloud.dev`.

pub mod v1alpha1;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;

/// Every CustomResourceDefinition of the product, in the order in which they are printed.
pub fn all_crds() -> Vec<CustomResourceDefinition> {
    let mut crds = vec![v1alpha1::SncBaseline::crd(), v1alpha1::SncTenant::crd(), v1alpha1::SncPolicy::crd()];
    for version in crds.iter_mut().flat_map(|crd| &mut crd.spec.versions) {
        if let Some(schema) = version.schema.as_mut().and_then(|s| s.open_api_v3_schema.as_mut()) {
            unwrap_lines(schema);
        }
    }
    crds
}

/// Doc comments are wrapped for the source; `kubectl explain` wraps for the terminal.
fn unwrap_lines(schema: &mut JSONSchemaProps) {
    if let Some(text) = &mut schema.description {
        *text = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect::<Vec<_>>().join("\n\n");
    }
    schema.properties.iter_mut().flat_map(|p| p.values_mut()).for_each(unwrap_lines);
    match &mut schema.items {
        Some(JSONSchemaPropsOrArray::Schema(items)) => unwrap_lines(items),
        Some(JSONSchemaPropsOrArray::Schemas(all)) => all.iter_mut().for_each(unwrap_lines),
        None => {}
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        unwrap_lines(values);
    }
}
