// Helm charts of others that a test renders, as their Go modules have them. Nothing here is compiled.
module snc-operator.test/charts

go 1.26.0

require (
	github.com/bitnami-labs/sealed-secrets v0.40.0
	github.com/cert-manager/cert-manager v1.21.2
	github.com/minio/minio v0.0.0-20260212201848-7aac2a2c5b7c
	github.com/stefanprodan/podinfo v1.8.1-0.20250910200901-e86405a8674e
	k8s.io/ingress-nginx v0.0.0-20240708192948-52c50467d67d
	sigs.k8s.io/descheduler v0.36.0
	sigs.k8s.io/metrics-server v0.9.0
)
