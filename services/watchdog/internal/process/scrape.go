package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"google.golang.org/protobuf/encoding/protodelim"
)

const (
	scrapeTime  = time.Second // a worker that answers later has no metrics this time, and holds nobody up
	scrapeLimit = 16 << 20    // bytes of one worker's page
)

// scrapeFormats asks for protocol buffers, which alone carry native histograms, else for text.
const scrapeFormats = `application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,text/plain;version=0.0.4;q=0.5`

// scrape reads the metrics of a process, at a path.
func (r *run) scrape(ctx context.Context, path string) ([]*dto.MetricFamily, error) {
	ctx, cancel := context.WithTimeout(ctx, scrapeTime)
	defer cancel()
	spec := r.spec()
	network, address := "tcp", net.JoinHostPort(spec.Host, strconv.Itoa(int(spec.Port)))
	if spec.Socket != "" {
		network, address = "unix", spec.Socket
	}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+spec.Host+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", scrapeFormats)
	req.Header.Set("User-Agent", "upkeep-watchdog")
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	return families(io.LimitReader(resp.Body, scrapeLimit), expfmt.ResponseFormat(resp.Header))
}

// families decodes a page of metrics, all of it or none.
func families(page io.Reader, format expfmt.Format) ([]*dto.MetricFamily, error) {
	data, err := io.ReadAll(page)
	if err != nil {
		return nil, err
	}
	next := expfmt.NewDecoder(bytes.NewReader(data), format).Decode
	if format.FormatType() == expfmt.TypeProtoDelim {
		// That decoder takes the memory that a length claims, whatever it claims.
		in := bytes.NewReader(data)
		limited := protodelim.UnmarshalOptions{MaxSize: int64(len(data))}
		next = func(f *dto.MetricFamily) error {
			if err := limited.UnmarshalFrom(in, f); err != nil {
				return err
			}
			return fitNames(f)
		}
	}
	var all []*dto.MetricFamily
	for {
		f := &dto.MetricFamily{}
		err := next(f)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
}

// fitNames refuses names that would break the page on which they stand.
func fitNames(f *dto.MetricFamily) error {
	if f.Type == nil || !model.LegacyValidation.IsValidMetricName(f.GetName()) {
		return fmt.Errorf("%q is no name of a metric, or has no type", f.GetName())
	}
	for _, m := range f.Metric {
		for _, l := range m.Label {
			if !model.LegacyValidation.IsValidLabelName(l.GetName()) || !utf8.ValidString(l.GetValue()) {
				return fmt.Errorf("%q of %s is no name of a label, or its value is no text", l.GetName(), f.GetName())
			}
		}
	}
	return nil
}
