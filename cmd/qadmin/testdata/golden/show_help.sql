show help;
