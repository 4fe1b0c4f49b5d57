// CustomResourceDefinitions of others that tests install, as their Go modules have them. Nothing here is compiled.
module snc-operator.test/crds

go 1.26.0

require (
	github.com/aquasecurity/trivy-operator v0.29.0
	github.com/argoproj/argo-cd/v3 v3.4.13
	github.com/cert-manager/cert-manager v1.21.2
	github.com/external-secrets/external-secrets v1.3.2
	github.com/fluxcd/source-controller v1.9.6
	github.com/kubernetes-csi/external-snapshotter/client/v8 v8.7.0
	github.com/kyverno/kyverno v1.19.1
	github.com/openreports/reports-api v0.2.1
	github.com/prometheus-operator/prometheus-operator v0.85.0
	github.com/vmware-tanzu/velero v1.18.3
	istio.io/api v1.31.1
	sigs.k8s.io/gateway-api v1.6.3
	sigs.k8s.io/network-policy-api v0.2.0
)
