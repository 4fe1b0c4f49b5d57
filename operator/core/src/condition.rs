//! Condition types and reasons, as stable strings.

pub mod kind {
    pub const READY: &str = "Ready";
    pub const NETWORK_POLICY_EFFECTIVE: &str = "NetworkPolicyEffective";
    pub const NETWORK_ISOLATED: &str = "NetworkIsolated";
    /// On `SncPolicy`: whether every control that applies in the namespace passes.
    pub const CONTROLS_SATISFIED: &str = "ControlsSatisfied";
    pub const IMAGES_VERIFIED: &str = "ImagesVerified";
    /// On `SncPolicy`: whether what no tenant may do is refused.
    pub const ADMISSION_ENFORCED: &str = "AdmissionEnforced";
    /// On `SncPolicy`: whether the audit log of the cluster misses nothing and is kept for as long as is asked.
    pub const AUDIT_LOGGED: &str = "AuditLogged";
    /// On `SncControl`: whether its rule is one.
    pub const COMPILED: &str = "Compiled";
    /// On `SncException`: whether somebody else than its requester approves.
    pub const APPROVED: &str = "Approved";
    /// On `SncException`: whether it is in force.
    pub const ACTIVE: &str = "Active";
    /// On `SncException`: whether everything that it waives fails.
    pub const MATCHING: &str = "Matching";
    /// On `SncTenant`: whether what is claimed is claimed alone.
    pub const NAMESPACES_CLAIMED: &str = "NamespacesClaimed";
    /// On `SncTenant`: whether the namespaces fit the tenant's total.
    pub const QUOTA_FITS: &str = "QuotaFits";
    /// On `SncBaseline`: whether the baselines of each matched tenant agree.
    pub const CONSISTENT: &str = "Consistent";
    /// On the `SncAssessment` of the cluster: whether the reports for other tools say what it says.
    pub const REPORTS_WRITTEN: &str = "ReportsWritten";
}

pub mod reason {
    pub const APPLIED: &str = "Applied";
    pub const NOT_GOVERNED: &str = "NotGoverned";
    pub const OBSERVED: &str = "Observed";
    pub const PENDING: &str = "Pending";
    pub const GATE_NOT_PROVEN: &str = "GateNotProven";
    pub const NAMESPACE_CONFLICT: &str = "NamespaceConflict";
    pub const NAMESPACE_PROTECTED: &str = "NamespaceProtected";
    pub const QUOTA_EXCEEDED: &str = "QuotaExceeded";
    pub const LABEL_CONFLICT: &str = "LabelConflict";
    pub const BASELINE_CONFLICT: &str = "BaselineConflict";
    pub const ADOPTED_WITH_GAP: &str = "AdoptedWithGap";
    pub const ADMITTED_BEFORE_ISOLATION: &str = "AdmittedBeforeIsolation";
    pub const FIELDS_REFUSED: &str = "FieldsRefused";
    pub const UNREADABLE: &str = "Unreadable";
    pub const RETAINED: &str = "Retained";
    pub const APPLY_FAILED: &str = "ApplyFailed";
    pub const RECORD_TRUNCATED: &str = "RecordTruncated";

    pub const NOT_ENFORCED: &str = "NotEnforced";
    pub const NOT_TRIED: &str = "NotTried";
    pub const CANARY_ALLOWED: &str = "CanaryAllowed";
    pub const CANARY_INCONCLUSIVE: &str = "CanaryInconclusive";
    pub const CANARY_REFUSED: &str = "CanaryRefused";
    pub const POLICIES_PRESENT: &str = "PoliciesPresent";
    pub const POLICIES_MISSING: &str = "PoliciesMissing";
    pub const UNDECLARED_OPENING: &str = "UndeclaredOpening";
    pub const UNDECIDED: &str = "Undecided";
    pub const HOST_PORT: &str = "HostPort";
    pub const HOST_NETWORK: &str = "HostNetwork";
    pub const RANGES_UNKNOWN: &str = "RangesUnknown";
    pub const UNMODELLED_KIND: &str = "UnmodelledPolicyKind";
    pub const PERMISSION_MISSING: &str = "PermissionMissing";
    pub const INPUTS_STALE: &str = "InputsStale";

    pub const ENFORCEMENT_NOT_PROVEN: &str = "EnforcementNotProven";
    pub const ENFORCEMENT_STATED: &str = "EnforcementStated";
    pub const ENFORCEMENT_MEASURED: &str = "EnforcementMeasured";
    pub const ENFORCEMENT_DISPROVED: &str = "EnforcementDisproved";

    pub const IMAGES_IN_TIME: &str = "ImagesInTime";
    pub const IMAGES_OVERDUE: &str = "ImagesOverdue";
    pub const IMAGES_UNSIGNED: &str = "ImagesUnsigned";
    /// Of an Event.
    pub const IMAGES_MENDED: &str = "ImagesMended";
    pub const IMAGES_UNKNOWN: &str = "ImagesUnknown";
    pub const NO_IMAGE_RUNS: &str = "NoImageRuns";
    pub const AUDIT_COMPLETE: &str = "AuditComplete";
    pub const AUDIT_GAP_OPEN: &str = "AuditGapOpen";
    pub const AUDIT_STORE_REFUSES: &str = "AuditStoreRefuses";
    pub const AUDIT_PROBE_MISSED: &str = "AuditProbeMissed";
    pub const AUDIT_POLICY_INCOMPLETE: &str = "AuditPolicyIncomplete";
    pub const AUDIT_RETENTION_SHORT: &str = "AuditRetentionShort";
    pub const AUDIT_LOG_ABSENT: &str = "AuditLogAbsent";
    pub const AUDIT_LOG_STALE: &str = "AuditLogStale";
    pub const AUDIT_LOG_UNREADABLE: &str = "AuditLogUnreadable";
    pub const AUDIT_NOT_PROVEN: &str = "AuditNotProven";

    pub const CONTROLS_PASS: &str = "ControlsPass";
    pub const CONTROLS_FAIL: &str = "ControlsFail";
    pub const CONTROLS_UNKNOWN: &str = "ControlsUnknown";
    pub const NOT_ASSESSED: &str = "NotAssessed";
    pub const NOTHING_APPLIES: &str = "NothingApplies";
    pub const ASSESSED: &str = "Assessed";

    pub const COMPILED: &str = "Compiled";
    pub const COMPILE_ERROR: &str = "CompileError";
    pub const CONTROL_LIMIT: &str = "ControlLimit";

    pub const APPROVED: &str = "Approved";
    pub const AWAITING_APPROVAL: &str = "AwaitingApproval";
    pub const APPROVAL_REFUSED: &str = "ApprovalRefused";
    pub const IN_FORCE: &str = "InForce";
    pub const EXPIRES_SOON: &str = "ExpiresSoon";
    pub const EXPIRED: &str = "Expired";
    pub const NOT_APPROVED: &str = "NotApproved";
    pub const NOT_IN_FORCE: &str = "NotInForce";
    pub const UNKNOWN_CONTROL: &str = "UnknownControl";
    pub const SPEC_CHANGED: &str = "SpecChanged";
    pub const WAIVER_LIMIT: &str = "WaiverLimit";
    pub const MATCHES: &str = "Matches";
    pub const MATCHES_NOTHING: &str = "MatchesNothing";
    pub const MATCHES_IN_PART: &str = "MatchesInPart";

    pub const CLAIMED: &str = "Claimed";
    pub const WITHIN_TOTAL: &str = "WithinTotal";
    pub const NO_TOTAL: &str = "NoTotal";
    pub const AGREES: &str = "Agrees";

    pub const WRITTEN: &str = "Written";
    pub const NOT_SERVED: &str = "NotServed";
    pub const CIRCUIT_OPEN: &str = "CircuitOpen";
    pub const WRITE_FAILED: &str = "WriteFailed";
    pub const BEHIND: &str = "Behind";

    // Reasons of Events only.
    pub const ISOLATED: &str = "Isolated";
    pub const REPAIRED: &str = "Repaired";
    pub const REMOVED: &str = "Removed";
    pub const RELEASED: &str = "Released";
    pub const NAMESPACE_CREATED: &str = "NamespaceCreated";
    pub const GATE_PROVEN: &str = "GateProven";
}
