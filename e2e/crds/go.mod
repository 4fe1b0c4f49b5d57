// CustomResourceDefinitions of others that tests install, as their Go modules have them. Nothing here is compiled.
module snc-operator.test/crds

go 1.26.0

require sigs.k8s.io/network-policy-api v0.2.0
