// Package netpol: the NetworkPolicy specs of Kubernetes, with this file in the place of their probe.go. The others come
// from the module cache when `cargo xtask generate --netpol` builds it (`go build -overlay`). No packet is sent: what
// a spec expects is recorded together with the state of the API server at that moment.
package netpol

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/test/e2e/framework"
	"snc-operator.test/netpol/record"
)

// kubemanager.go reads these fields.
type probeConnectivityArgs struct {
	nsFrom, podFrom, addrTo                                 string
	protocol                                                v1.Protocol
	toPort                                                  int
	expectConnectivity                                      bool
	timeoutSeconds, pollIntervalSeconds, pollTimeoutSeconds int
}

type Prober interface {
	probeConnectivity(args *probeConnectivityArgs) (bool, string, error)
}

// ProbePodToPodConnectivity records one step. The specs fail on a cell that was not observed, so each is "observed"
// as expected: a spec that passes says only that it ran to its end.
func ProbePodToPodConnectivity(prober Prober, allPods []TestPod, _ string, testCase *TestCase) {
	validation := calledByValidation()
	k8s, ok := prober.(*kubeManager)
	if !ok {
		framework.Failf("the prober is a %T", prober)
	}
	expected := map[record.Pair]bool{}
	for _, from := range allPods {
		for _, to := range allPods {
			fromName, toName := from.PodString(), to.PodString()
			reachable := testCase.Reachability.Expected.Get(fromName.String(), toName.String())
			testCase.Reachability.Observe(fromName, toName, reachable)
			expected[record.Pair{From: fromName.String(), To: toName.String()}] = reachable
		}
	}
	if !validation {
		return
	}
	err := record.Step(context.Background(), k8s.clientSet, k8s.namespaceNames, record.Probe{
		Protocol:       testCase.Protocol,
		Port:           testCase.ToPort,
		IgnoreLoopback: ignoreLoopback,
		Expected:       expected,
	})
	framework.ExpectNoError(err, fmt.Sprintf("record a step on %s %d", testCase.Protocol, testCase.ToPort))
}

// Readiness of the servers is probed through the same function, before there is any policy; it is not a validation.
func calledByValidation() bool {
	var pcs [1]uintptr
	// The caller of the caller of this function.
	frame, _ := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])]).Next()
	switch {
	case strings.HasSuffix(frame.Function, ".ValidateOrFail"):
		return true
	case strings.HasSuffix(frame.Function, ".waitForHTTPServers"):
		return false
	}
	framework.Failf("probed by %s, which is not known here", frame.Function)
	return false
}
