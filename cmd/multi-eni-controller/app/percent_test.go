package app

import "testing"

func TestPercent(t *testing.T) {
	for text, want := range map[string]string{"50%": "50%", "50": "50%", "0": "0%", "100%": "100%", "12.5%": "12.5%", "-1%": "", "101%": "", "NaN": "", "half": "", "": ""} {
		p := percent(0.25)
		err := p.Set(text)
		if want == "" {
			if err == nil || p != 0.25 {
				t.Errorf("%q was taken for %v", text, p)
			}
			continue
		}
		if got := p.String(); err != nil || got != want {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
	}
}
