mod assessment;
mod audit_log;
mod baseline;
mod common;
mod control;
mod exception;
mod image_ledger;
mod image_scan;
mod network;
mod policy;
mod tenant;
mod waiver_set;

pub use assessment::{
    AssessmentScope, ControlCode, RequirementCode, RequirementCounts, SncAssessment, SncAssessmentSpec,
    SncAssessmentStatus, Transition,
};
pub use audit_log::{
    AuditAlarms, AuditForwarding, AuditGap, AuditGapCause, AuditGaps, AuditPolicyState, AuditProbe,
    AuditRecords, AuditRetention, AuditRetentionInForce, AuditSeal, AuditSource, AuditSourceKind,
    AuditSourceState, AuditStore, AuditStoreKind, LegalHold, PolicyAudit, SncAuditLog, SncAuditLogSpec,
    SncAuditLogStatus, TenantRetention,
};
pub use baseline::{
    BaselineNetwork, ContainerLimits, DnsService, EnforcementStatement, KubernetesApiEndpoints,
    SharedService, SncBaseline, SncBaselineSpec, SncBaselineStatus, TailoredParameter,
};
pub use common::{ControlNumbers, Modes, ResourceList, date_schema};
pub use control::{
    ControlParameter, ControlRemediation, ControlRule, ControlText, ParameterBounds, SncControl,
    SncControlSpec, SncControlStatus,
};
pub use exception::{ExceptionSubject, SncException, SncExceptionSpec, SncExceptionStatus};
pub use image_ledger::{SncImageLedger, SncImageLedgerSpec};
pub use image_scan::{
    ImageDigests, MANIFESTS, ScanCounts, ScanNature, ScannerDatabase, ScannerVersion, SncImageScan,
    SncImageScanSpec,
};
pub use network::{
    CidrPeer, Flow, FlowNature, KubernetesApiPeer, NamespacesPeer, Peer, PodsPeer, Port, SharedServicePeer,
};
pub use policy::{
    ControlFinding, ControlFindings, EffectiveValue, FlowCounts, ImageNumbers, ManagedObjects, Named,
    PolicyFindings, PolicyNetwork, SncPolicy, SncPolicySpec, SncPolicyStatus,
};
pub use tenant::{
    Adoption, Gap, NamespaceState, Owner, OwnerKind, SncTenant, SncTenantSpec, SncTenantStatus,
    TenantNamespace, TenantNamespaces,
};
pub use waiver_set::{SncWaiverSet, SncWaiverSetSpec};
