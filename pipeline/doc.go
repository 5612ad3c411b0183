// Package pipeline runs a job: it discovers offers, fetches and normalises
// them, and hands the rows to tables.
//
//	leaves ─► expand ─► paginate ─► merge ─► fetch + normalise ─► enrich ─► order ─► one goroutine per table
//	          a few leaves at a time,  one    Workers at a time,             one
//	          ahead of the merge              each of the two
//
// The invariants, in the order of the stages:
//
//  1. Leaves are paged side by side, each in sequence, and merged in the order
//     of the leaves. What comes out of the merge, the discovery order, is a
//     function of the gateways' answers alone.
//  2. An id passes the merge once, whoever finds it again. Batches are cut by
//     counting ids in discovery order, so that they are the same calls in every
//     run over the same answers.
//  3. Batches are fetched in any order and leave in discovery order. The rows
//     of pages (hits, records, calls, coverage, rejects) travel with the ids they
//     stand between, so that rows come out in the same order whatever the number
//     of workers and, but for the calls table, whatever the size of a batch.
//  4. What is asked for beside the details is settled in discovery order, when
//     the product is known; so is that a seller is asked about once. The price
//     part of a filter is applied by the merge, before anything is paid for, the
//     other parts to the product. What a filter leaves out is never asked about.
//  5. Channels are bounded, every send and receive gives way to the context,
//     and a stage closes its channel only when it got to its end. A closed
//     channel still says nothing about the others: only Run returning nil means
//     that the tables hold everything.
//
// Nothing new begins after the first error. Calls that are in flight then may
// have been paid for, so they get a grace period in which to be answered and
// journaled before they are cancelled.
package pipeline
