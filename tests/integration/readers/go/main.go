// Connects to a ClickHouse over HTTP with nothing configured but its address, in every compression the library has, and
// prints what it has read as one line of JSON a way.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

type read struct {
	Way      string
	Version  bool
	Sessions []string
	Tokens   uint64
	Start    time.Time
	Users    []string
	Map      map[string]string
	Rows     int
	Sum      uint64
	Zone     string
	Refused  string
	Unknown  string
}

func main() {
	if len(os.Args) > 2 && os.Args[2] == "-" {
		count()
		return
	}
	if len(os.Args) > 2 {
		insert(os.Args[2])
		return
	}
	methods := map[string]*clickhouse.Compression{
		"default": nil,
		"none":    {Method: clickhouse.CompressionNone},
		"lz4":     {Method: clickhouse.CompressionLZ4},
		"zstd":    {Method: clickhouse.CompressionZSTD},
		"gzip":    {Method: clickhouse.CompressionGZIP},
	}
	for _, way := range []string{"default", "none", "lz4", "zstd", "gzip"} {
		options := &clickhouse.Options{Addr: []string{os.Args[1]}, Protocol: clickhouse.HTTP, Compression: methods[way]}
		show(over(way, options))
	}
	db, err := sql.Open("clickhouse", "http://default:@"+os.Args[1]+"/otel")
	must(err)
	var sessions uint64
	must(db.QueryRow("SELECT count() FROM sessions WHERE SessionId = ?", "a session").Scan(&sessions))
	fmt.Printf("{\"Way\": \"database/sql\", \"Rows\": %d}\n", sessions)
}

// Runs the statements of a JSON list on standard input, as Grafana's data source does, and prints how many rows and which
// columns each has, as a list.
func count() {
	var statements []string
	must(json.NewDecoder(os.Stdin).Decode(&statements))
	db, err := sql.Open("clickhouse", "http://default:@"+os.Args[1]+"/otel")
	must(err)
	found := []map[string]any{}
	for _, statement := range statements {
		rows, err := db.Query(statement)
		if err != nil {
			found = append(found, map[string]any{"Error": err.Error()})
			continue
		}
		types, err := rows.ColumnTypes()
		must(err)
		columns, cells := []string{}, []any{}
		for _, each := range types {
			columns = append(columns, each.Name())
			cells = append(cells, reflect.New(each.ScanType()).Interface())
		}
		number := 0
		for rows.Next() {
			must(rows.Scan(cells...))
			number++
		}
		must(rows.Err())
		found = append(found, map[string]any{"Rows": number, "Columns": columns})
	}
	line, err := json.Marshal(found)
	must(err)
	fmt.Println(string(line))
}

// Inserts a batch in every compression, as an exporter built on this library does, and prints how many rows there are.
func insert(table string) {
	ctx := context.Background()
	for _, method := range []clickhouse.CompressionMethod{
		clickhouse.CompressionNone, clickhouse.CompressionLZ4, clickhouse.CompressionZSTD, clickhouse.CompressionGZIP,
	} {
		conn, err := clickhouse.Open(&clickhouse.Options{
			Addr: []string{os.Args[1]}, Protocol: clickhouse.HTTP, Compression: &clickhouse.Compression{Method: method},
		})
		must(err)
		must(conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+table+
			" (a UInt64, b String, m Map(LowCardinality(String), String)) ENGINE MergeTree ORDER BY a"))
		batch, err := conn.PrepareBatch(ctx, "INSERT INTO "+table+" (a, b, m)")
		must(err)
		for number := 0; number < 1000; number++ {
			must(batch.Append(uint64(number), fmt.Sprint(number), map[string]string{"k": "v"}))
		}
		must(batch.Send())
		var rows, sum uint64
		must(conn.QueryRow(ctx, "SELECT count(), sum(a) FROM "+table+" WHERE m['k'] = 'v'").Scan(&rows, &sum))
		fmt.Println(rows, sum)
		must(conn.Close())
	}
}

func over(way string, options *clickhouse.Options) read {
	found := read{Way: way}
	ctx := context.Background()
	conn, err := clickhouse.Open(options)
	must(err)
	must(conn.Ping(ctx))
	version, err := conn.ServerVersion()
	must(err)
	found.Version = version.Version.Major >= 26
	rows, err := conn.Query(ctx, "SELECT SessionId FROM sessions WHERE SessionId = {id:String}", clickhouse.Named("id", "a session"))
	must(err)
	for rows.Next() {
		var id string
		must(rows.Scan(&id))
		found.Sessions = append(found.Sessions, id)
	}
	must(rows.Err())
	must(conn.QueryRow(ctx, "SELECT TotalTokens, StartTime, UserIds, map('a', 'b') FROM sessions WHERE SessionId = 'a session'").
		Scan(&found.Tokens, &found.Start, &found.Users, &found.Map))
	var at time.Time
	must(conn.QueryRow(ctx, "SELECT toDateTime64('2026-01-02 03:04:05', 3, 'Europe/Berlin')").Scan(&at))
	found.Zone = at.Location().String()
	rows, err = conn.Query(ctx, "SELECT number, toString(number) AS text, [number] AS list FROM numbers(200000)")
	must(err)
	for rows.Next() {
		var number uint64
		var text string
		var list []uint64
		must(rows.Scan(&number, &text, &list))
		found.Rows++
		found.Sum += list[0]
	}
	must(rows.Err())
	rows, err = conn.Query(ctx, "SELECT 1 WHERE 0")
	must(err)
	for rows.Next() {
		found.Rows = -1
	}
	_, err = conn.Query(ctx, "DROP TABLE sessions")
	found.Refused = code(err)
	_, err = conn.Query(ctx, "SELECT nothing")
	found.Unknown = code(err)
	must(conn.Close())
	return found
}

// The number of an error of ClickHouse; older versions of the library have it in their text alone.
func code(err error) string {
	if match := regexp.MustCompile(`(?i)code: (\d+)`).FindStringSubmatch(fmt.Sprint(err)); match != nil {
		return match[1]
	}
	return fmt.Sprint(err)
}

func show(found read) {
	line, err := json.Marshal(found)
	must(err)
	fmt.Println(string(line))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
