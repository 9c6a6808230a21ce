// Package suite is the official Gateway API conformance suite as one test binary.
package suite

import (
	"testing"

	"sigs.k8s.io/gateway-api/conformance"
)

// TestConformance is the suite, unmodified and driven by its own flags
// (-gateway-class, -supported-features, -conformance-profiles, -run-test ...).
func TestConformance(t *testing.T) {
	conformance.RunConformance(t)
}
