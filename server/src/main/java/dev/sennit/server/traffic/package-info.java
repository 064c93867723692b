/** Knowledge of requests, apart from their handlers: addresses, rates, figures and the access log. Not exported. */
@NullMarked
package dev.sennit.server.traffic;

import org.jspecify.annotations.NullMarked;
