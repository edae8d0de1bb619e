"""What a program runs on: BLAS and worker threads, memory, signals, ranks over MPI."""
