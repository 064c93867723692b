/** Worker processes: crashes, limits, output, and processes of one's own. */
package dev.sennit.examples.processes;
