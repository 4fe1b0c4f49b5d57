mod baseline;
mod common;
mod network;
mod policy;
mod tenant;

pub use baseline::{
    BaselineNetwork, ContainerLimits, DnsService, EnforcementStatement, KubernetesApiEndpoints,
    SharedService, SncBaseline, SncBaselineSpec, SncBaselineStatus,
};
pub use common::{Modes, ResourceList, date_schema};
pub use network::{
    CidrPeer, Flow, FlowNature, KubernetesApiPeer, NamespacesPeer, Peer, PodsPeer, Port, SharedServicePeer,
};
pub use policy::{
    EffectiveValue, FlowCounts, ManagedObjects, Named, PolicyFindings, PolicyNetwork, SncPolicy,
    SncPolicySpec, SncPolicyStatus,
};
pub use tenant::{
    Adoption, Gap, NamespaceState, Owner, OwnerKind, SncTenant, SncTenantSpec, SncTenantStatus,
    TenantNamespace, TenantNamespaces,
};
