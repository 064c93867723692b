/** REST services: events, jobs, conditional requests, and clients that ask them. */
package dev.sennit.examples.rest;
