// Runs Kubernetes' own NetworkPolicy specs against an API server without nodes and records what each of them expects.
// README.md says how to start it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/kubernetes/test/e2e/framework"

	"snc-operator.test/netpol/record"
	_ "snc-operator.test/netpol/specs"
)

func main() {
	kubeconfig := flag.String("kubeconfig", os.Getenv("KUBECONFIG"), "of an API server that nothing else uses")
	out := flag.String("out", "", "directory of the fixtures")
	family := flag.String("family", "ipv4", "addresses of the pods: ipv4 or ipv6")
	flag.Parse()
	if err := run(*kubeconfig, *out, *family); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// ginkgo reports a failed suite to it.
type suite struct{}

func (suite) Fail() {}

func run(kubeconfig, out, family string) error {
	address, known := map[string]func(byte, byte) string{"ipv4": ipv4, "ipv6": ipv6}[family]
	if !known || out == "" || kubeconfig == "" {
		return errors.New("needed: -out DIR, -family ipv4 or ipv6, and a kubeconfig")
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	go func() {
		fmt.Fprintln(os.Stderr, "error: nobody makes pods run any more:", runPods(context.Background(), client, address))
		os.Exit(1)
	}()

	gomega.RegisterFailHandler(framework.Fail)
	framework.RunID = "recorded"
	framework.TestContext.KubeConfig = kubeconfig
	framework.TestContext.Provider = "skeleton"
	framework.TestContext.VerifyServiceAccount = true
	framework.TestContext.DeleteNamespace = true
	framework.TestContext.DeleteNamespaceOnFailure = true
	framework.AfterReadingAllFlags(&framework.TestContext)
	gomega.SetDefaultEventuallyPollingInterval(50 * time.Millisecond)

	var manifest *record.Manifest
	var failed error
	ginkgo.ReportAfterSuite("record", func(report ginkgo.Report) {
		manifest, failed = record.Write(out, kubernetesVersion(), report)
	})
	suiteConfig, reporterConfig := ginkgo.GinkgoConfiguration()
	// The order in which specs run changes nothing that is recorded; a fixed one makes runs comparable.
	suiteConfig.RandomSeed = 1
	passed := ginkgo.RunSpecs(suite{}, "NetworkPolicy specs of Kubernetes", suiteConfig, reporterConfig)
	if failed != nil {
		return failed
	}
	if manifest == nil {
		return errors.New("the suite did not run")
	}
	fmt.Printf("\n%d specs, %d steps, %d cells (%d loopback cells that upstream ignores)\n",
		manifest.Specs, manifest.Steps, manifest.Cells, manifest.LoopbackOnly)
	for _, omitted := range manifest.WithoutSteps {
		fmt.Printf("no step: %s\n  %s\n", omitted.Spec, omitted.Reason)
	}
	if !passed {
		return errors.New("a spec failed")
	}
	return nil
}

func kubernetesVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "k8s.io/kubernetes" {
				return module.Version
			}
		}
	}
	return "unknown"
}
