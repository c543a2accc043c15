// Sends callbacks with Go's HTTP client, with the limits that OpenIM gives it, until nothing listens any more. Prints how
// many were answered, and of each that was not, when its connection was opened.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type opened struct {
	net.Conn
	at int64
}

func main() {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		at := time.Now().UnixMilli()
		connection, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &opened{connection, at}, nil
	}
	client := &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{DialContext: dial, MaxConnsPerHost: 100, MaxIdleConnsPerHost: 2},
	}
	var answered atomic.Int64
	var lock sync.Mutex
	var lost []int64
	var all sync.WaitGroup
	for started := 0; started < 64; started++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for {
				var at int64
				trace := &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
					if connection, ok := got.Conn.(*opened); ok {
						at = connection.at
					}
				}}
				ctx := httptrace.WithClientTrace(context.Background(), trace)
				request, _ := http.NewRequestWithContext(ctx, "POST", os.Args[1], strings.NewReader("{}"))
				request.Header.Set("Content-Type", "application/json")
				answer, err := client.Do(request)
				if err == nil {
					_, err = io.Copy(io.Discard, answer.Body)
					answer.Body.Close()
				}
				if errors.Is(err, syscall.ECONNREFUSED) {
					return
				}
				if err != nil {
					if at == 0 {
						// It could not connect: it was on no connection that had been opened before.
						at = time.Now().UnixMilli()
					}
					lock.Lock()
					lost = append(lost, at)
					lock.Unlock()
					continue
				}
				answered.Add(1)
			}
		}()
	}
	all.Wait()
	fmt.Print(answered.Load())
	for _, at := range lost {
		fmt.Print(" ", at)
	}
	fmt.Println()
}
