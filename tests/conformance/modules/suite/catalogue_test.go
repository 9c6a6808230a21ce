package suite

import (
	"encoding/json"
	"os"
	"testing"

	"k8s.io/apimachinery/pkg/util/sets"

	"sigs.k8s.io/gateway-api/conformance/tests"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/consts"
	"sigs.k8s.io/gateway-api/pkg/features"
)

type catalogue struct {
	Version  string             `json:"version"`
	Profiles map[string]profile `json:"profiles"`
	Features map[string]string  `json:"features"`
	Tests    []entry            `json:"tests"`
}

type profile struct {
	Core     []features.FeatureName `json:"core"`
	Extended []features.FeatureName `json:"extended"`
}

type entry struct {
	Name        string                 `json:"name"`
	Features    []features.FeatureName `json:"features"`
	Provisional bool                   `json:"provisional,omitempty"`
}

// TestCatalogue writes down, as JSON in the file that CATALOGUE names, what the suite itself knows: its
// version, the features of each profile, the channel of each feature, the features that each test needs.
func TestCatalogue(t *testing.T) {
	path := os.Getenv("CATALOGUE")
	if path == "" {
		t.Skip("CATALOGUE names no file")
	}
	found := catalogue{Version: consts.BundleVersion, Profiles: map[string]profile{}, Features: map[string]string{}}
	for _, p := range []suite.ConformanceProfile{
		suite.GatewayHTTPConformanceProfile, suite.GatewayGRPCConformanceProfile, suite.GatewayTLSConformanceProfile,
		suite.GatewayTCPConformanceProfile, suite.GatewayUDPConformanceProfile,
		suite.MeshHTTPConformanceProfile, suite.MeshGRPCConformanceProfile,
	} {
		found.Profiles[string(p.Name)] = profile{sets.List(p.CoreFeatures), sets.List(p.ExtendedFeatures)}
	}
	for _, f := range features.AllFeatures.UnsortedList() {
		found.Features[string(f.Name)] = string(f.Channel)
	}
	for _, test := range tests.ConformanceTests {
		found.Tests = append(found.Tests, entry{test.ShortName, test.Features, test.Provisional})
	}
	text, err := json.MarshalIndent(found, "", " ")
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
