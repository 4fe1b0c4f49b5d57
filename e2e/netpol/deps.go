//go:build tidy

package main

// For `go mod tidy`, which does not see the sources that the overlay brings in.
import _ "k8s.io/kubernetes/test/e2e/network/netpol"
