/** One small main for each feature, in a package for each subject; the tests run them all. */
package dev.sennit.examples;
