// Runs Kubernetes' own NetworkPolicy specs with real packets, on a cluster with a node. `cargo xtask test` builds and
// starts it; the flags are those of Kubernetes' end-to-end framework and of ginkgo.
package main

import (
	"flag"
	"os"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"
	"k8s.io/kubernetes/test/e2e/framework"
	"k8s.io/kubernetes/test/e2e/framework/testfiles"
	_ "k8s.io/kubernetes/test/e2e/network/netpol"
	manifests "k8s.io/kubernetes/test/e2e/testing-manifests"
)

// ginkgo reports a failed suite to it.
type suite struct{}

func (suite) Fail() {}

func main() {
	framework.RegisterCommonFlags(flag.CommandLine)
	framework.RegisterClusterFlags(flag.CommandLine)
	flag.Parse()
	testfiles.AddFileSource(manifests.GetE2ETestingManifestsFS())
	framework.AfterReadingAllFlags(&framework.TestContext)
	gomega.RegisterFailHandler(framework.Fail)
	suiteConfig, reporterConfig := framework.CreateGinkgoConfig()
	if !ginkgo.RunSpecs(suite{}, "NetworkPolicy specs of Kubernetes", suiteConfig, reporterConfig) {
		os.Exit(1)
	}
}
