/** Coroutines on a loop: waiting, sockets, and which one holds up the others. */
package dev.sennit.examples.coroutines;
