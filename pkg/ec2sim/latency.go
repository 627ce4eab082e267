package ec2sim

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"go.yaml.in/yaml/v3"
)

// Distribution is how long something takes. A plain duration is exact; otherwise it
// is log-normal through its median and its 99th percentile, and never above Max.
// The zero value stands for the documented default of whatever it describes.
type Distribution struct {
	P50, P99, Max time.Duration
	set           bool
}

// Exactly is a duration that does not vary.
func Exactly(d time.Duration) Distribution { return Distribution{P50: d, P99: d, Max: d, set: true} }

// Spread is a duration around p50, of which one in a hundred is above p99; max is a
// hard upper end.
func Spread(p50, p99, max time.Duration) Distribution {
	return Distribution{P50: p50, P99: p99, Max: max, set: true}
}

func (d Distribution) or(standard Distribution) Distribution {
	if d.set || d.P50 != 0 {
		return d
	}
	return standard
}

// z99 is the 99th percentile of the standard normal distribution.
const z99 = 2.3263478740408408

func (d Distribution) draw(r *rand.Rand) time.Duration {
	if d.P99 <= d.P50 || d.P50 <= 0 {
		return d.P50
	}
	sigma := math.Log(float64(d.P99)/float64(d.P50)) / z99
	v := time.Duration(float64(d.P50) * math.Exp(sigma*r.NormFloat64()))
	return min(v, d.ceiling())
}

// ceiling keeps the tail finite where nobody named an end.
func (d Distribution) ceiling() time.Duration {
	if d.Max > 0 {
		return d.Max
	}
	return max(d.P50, 3*d.P99)
}

type distributionForm struct {
	P50 Duration `yaml:"p50" json:"p50"`
	P99 Duration `yaml:"p99" json:"p99"`
	Max Duration `yaml:"max,omitempty" json:"max,omitempty"`
}

// Duration is a time.Duration that reads and writes as text, "2s", in JSON as in YAML.
type Duration time.Duration

// UnmarshalYAML implements yaml.Unmarshaler.
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	v, err := time.ParseDuration(n.Value)
	if err != nil || v < 0 || n.Kind != yaml.ScalarNode {
		return fieldError(n, "is not a duration; write it like 2s, 50ms or 1m30s")
	}
	*d = Duration(v)
	return nil
}

// UnmarshalJSON implements json.Unmarshaler: JSON is YAML too.
func (d *Duration) UnmarshalJSON(data []byte) error { return yaml.Unmarshal(data, d) }

// MarshalJSON implements json.Marshaler.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalYAML reads a duration or a map of p50, p99 and max.
func (d *Distribution) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		var exact Duration
		if err := exact.UnmarshalYAML(n); err != nil {
			return err
		}
		*d = Exactly(time.Duration(exact))
		return nil
	}
	var form distributionForm
	if err := decodeStrictly(n, &form); err != nil {
		return err
	}
	*d = Spread(time.Duration(form.P50), time.Duration(form.P99), time.Duration(form.Max))
	if problem := d.problem(); problem != "" {
		return fieldError(n, problem)
	}
	return nil
}

// problem says what keeps a distribution from being one.
func (d Distribution) problem() string {
	switch {
	case d.P50 < 0 || d.P99 < d.P50 || d.Max != 0 && d.Max < d.P99:
		return "is not a distribution; p50 ≤ p99 ≤ max must hold"
	case d.P50 == 0 && (d.P99 > 0 || d.Max > 0):
		return "is not a distribution; p50 must be above 0 where p99 or max is"
	}
	return ""
}

// UnmarshalJSON implements json.Unmarshaler.
func (d *Distribution) UnmarshalJSON(data []byte) error { return yaml.Unmarshal(data, d) }

// MarshalJSON writes what UnmarshalYAML reads.
func (d Distribution) MarshalJSON() ([]byte, error) {
	if d.P50 == d.P99 {
		return json.Marshal(d.P50.String())
	}
	return json.Marshal(d.form())
}

// form is all three figures, also where they are one and the same.
func (d Distribution) form() distributionForm {
	return distributionForm{Duration(d.P50), Duration(d.P99), Duration(d.Max)}
}

func (d Distribution) String() string {
	if d.P50 == d.P99 {
		return d.P50.String()
	}
	return fmt.Sprintf("p50 %s, p99 %s, max %s", d.P50, d.P99, d.ceiling())
}
