/** One small main for each feature; the tests run them all. */
package dev.sennit.examples;
