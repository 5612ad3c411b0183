package envelope

import (
	"testing"

	"offerlake/extract/flex"
)

func TestPayload(t *testing.T) {
	t.Parallel()
	cases := []struct {
		body, want string
		failed     bool
	}{
		{`{"result":[1],"success":true,"errorCode":""}`, `[1]`, false},
		{`{"result":{"success":"true","code":"200","message":"成功","result":{"a":1}}}`, `{"a":1}`, false},
		{`{"result":{"success":"true","code":"200","total":3}}`, `{"total":3}`, false},
		{`{"succes":"true","errorMsg":null,"rows":[{"success":false}]}`, `{"rows":[{"success":false}]}`, false},
		{`{"result":null,"success":true}`, `null`, false},
		{`{"result":{"code":"310000","message":"x"},"success":true}`, `{"code":"310000","message":"x"}`, false},
		{`{"code":"0","rows":[]}`, `{"code":"0","rows":[]}`, false},
		{`"20261010164552223+0800"`, `"20261010164552223+0800"`, false},
		{`[{"result":1}]`, `[{"result":1}]`, false},
		{`{"result":{"success":false,"message":"no"},"success":true}`, `{}`, true},
		{`{"result":{"success":true,"a":1},"success":false}`, `{"a":1}`, true},
		{`{"error_code":"gw.X","error_message":"no"}`, `{"error_code":"gw.X","error_message":"no"}`, true},
	}
	var p flex.Pool
	for _, c := range cases {
		got, o, err := Payload(&p, 200, []byte(c.body))
		if err != nil || string(got) != c.want || o.Failed() != c.failed {
			t.Errorf("Payload(%s) = %s, failed %v, %v; want %s, %v", c.body, got, o.Failed(), err, c.want, c.failed)
		}
	}
	if _, _, err := Payload(&p, 200, []byte(`{"result":`)); err == nil {
		t.Error("Payload of half a document gives no error")
	}
}
